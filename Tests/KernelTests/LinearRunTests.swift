@testable import InferenceRuntime
import Testing

/// Two matrices over one input, as gate and up, with adapters on some rows.
private final class RunScene {
    let rows: Int, columns: Int
    let matrices: [NF4Matrix]
    let x: AlignedBuffer<Float>
    private let a: AlignedBuffer<Float>, b: AlignedBuffer<Float>

    init(rows: Int, columns: Int, outputs: [Int], pool: ThreadPool) {
        var random = SplitMix64(state: 11)
        self.rows = rows
        self.columns = columns
        matrices = outputs.map {
            MatrixCase(rows: $0, columns: columns).matrix(&random, pool: pool)
        }
        func numbers(_ count: Int) -> AlignedBuffer<Float> {
            let buffer = AlignedBuffer<Float>(count: count)
            for index in 0..<count { buffer[index] = random.uniform() }
            return buffer
        }
        x = numbers(rows * columns)
        a = numbers(16 * columns)
        b = numbers(16 * (outputs.max() ?? 0))
    }

    /// Over the first matrix rank 16 on all rows and 5 on the first; over the second 7 on the others.
    var tasks: [[LoRATask]] {
        func task(rank: Int, _ rows: Range<Int>, offset: Int) -> LoRATask {
            LoRATask(
                firstRow: rows.lowerBound,
                rows: rows.count,
                rank: rank,
                offset: offset,
                a: a.baseAddress,
                bTransposed: b.baseAddress,
                format: .f32,
                scale: 0.5
            )
        }
        let whole = task(rank: 16, 0..<rows, offset: 0)
        let first = task(rank: 5, 0..<1, offset: 16 * rows)
        let others = task(rank: 7, 1..<rows, offset: 16 * rows + 5)
        return [[whole, first], rows > 1 ? [others] : []]
    }

    /// The outputs of all matrices, in one run or one after the other.
    func outputs(together: Bool, _ context: ComputeContext) -> [[UInt32]] {
        let input = LinearInput(maxRows: rows, maxColumns: columns, dtype: .int8)
        input.load(x.baseAddress, rows: rows, columns: columns, context)
        let t = AlignedBuffer<Float>(count: 28 * rows)
        let results = matrices.map { AlignedBufferBox(count: rows * $0.rows) }
        var run = LinearRun()
        for (index, matrix) in matrices.enumerated() {
            let (y, stride) = (results[index].buffer.baseAddress, matrix.rows)
            if together {
                run.append(matrix.tiled, into: y, stride: stride, tasks: tasks[index].count)
            } else {
                matrix.forward(input, into: y, stride: stride, context)
                tasks[index].withUnsafeBufferPointer { tasks in
                    LoRAKernels.shrink(
                        x.baseAddress,
                        stride: columns,
                        columns: columns,
                        tasks: tasks,
                        into: t.baseAddress,
                        context
                    )
                    LoRAKernels.expand(
                        t.baseAddress,
                        tasks: tasks,
                        into: y,
                        stride: stride,
                        columns: matrix.rows,
                        context
                    )
                }
            }
        }
        if together {
            (tasks[0] + tasks[1]).withUnsafeBufferPointer {
                run.run(input, tasks: $0, lowRank: t.baseAddress, context)
            }
        }
        return results.map { $0.buffer.elements.map(\.bitPattern) }
    }
}

private final class AlignedBufferBox {
    let buffer: AlignedBuffer<Float>

    init(count: Int) { buffer = AlignedBuffer(count: count) }
}

@Suite("Matrices that share a run")
struct LinearRunTests {
    @Test(
        "give the bits of one after the other, adapters included",
        arguments: [1, 2, 4, 5, 16, 70],
        [[2048, 256], [37, 90]]
    )
    func together(rows: Int, outputs: [Int]) {
        let one = context(.int8), three = context(.int8, threads: 3)
        let scene = RunScene(rows: rows, columns: 192, outputs: outputs, pool: three.pool)
        let expected = scene.outputs(together: false, one)
        onEveryInstructionSet { _ in
            #expect(scene.outputs(together: true, one) == expected)
            #expect(scene.outputs(together: true, three) == expected)
        }
    }
}
