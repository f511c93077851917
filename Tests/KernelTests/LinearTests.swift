import InferenceRuntime
import Testing

struct MatrixCase: Sendable, CustomTestStringConvertible {
    var rows: Int, columns: Int
    var testDescription: String { "\(rows)x\(columns)" }

    func matrix(_ random: inout SplitMix64, pool: ThreadPool) -> NF4Matrix {
        random.array(rows * columns).withUnsafeBytes {
            NF4Matrix.quantize($0, dtype: .f32, rows: rows, columns: columns, pool: pool)
        }
    }
}

let matrixCases = [
    MatrixCase(rows: 16, columns: 64), MatrixCase(rows: 48, columns: 256),
    MatrixCase(rows: 5, columns: 128), MatrixCase(rows: 37, columns: 192),
    MatrixCase(rows: 20, columns: 48), MatrixCase(rows: 3, columns: 7),
    MatrixCase(rows: 33, columns: 100), MatrixCase(rows: 17, columns: 96),
]

func forward(_ w: NF4Matrix, _ x: [Float], _ context: ComputeContext) -> [Float] {
    let rows = x.count / w.columns
    let input = LinearInput(maxRows: rows, maxColumns: w.columns, dtype: context.dtype)
    var y = [Float](repeating: .nan, count: rows * w.rows)
    x.withUnsafeBufferPointer { x in
        guard let base = x.baseAddress else { return }
        input.load(base, rows: rows, columns: w.columns, context)
        w.forward(input, into: &y, stride: w.rows, context)
    }
    return y
}

func weights(_ w: NF4Matrix, _ context: ComputeContext) -> [Float] {
    var out = [Float](repeating: 0, count: w.rows * w.columns)
    w.dequantize(into: &out, pool: context.pool)
    return out
}

@Suite("Linear layers over NF4 tiles")
struct LinearTests {
    @Test("fp32 equals the dequantized product in doubles", arguments: matrixCases)
    func exact(shape: MatrixCase) {
        var random = SplitMix64(state: 1)
        let context = context(.fp32, threads: 2)
        let w = shape.matrix(&random, pool: context.pool)
        let x = random.array(7 * w.columns)
        let expected = product(x, weights(w, context), rows: w.rows, columns: w.columns)
        #expect(error(forward(w, x, context), expected) < 1e-6)
    }

    @Test("int8 stays within a thousandth of the exact product", arguments: matrixCases)
    func integers(shape: MatrixCase) {
        var random = SplitMix64(state: 2)
        let context = context(.int8, threads: 2)
        let w = shape.matrix(&random, pool: context.pool)
        let x = random.array(7 * w.columns)
        let expected = product(x, weights(w, context), rows: w.rows, columns: w.columns)
        #expect(error(forward(w, x, context), expected) < 1e-3)
    }

    /// Real models have a few channels a hundred times as large as the others, and other channels
    /// that carry what the layer is to tell apart.
    @Test(
        "outlier channels do not drown their neighbours in int8",
        arguments: [30, 300] as [Float]
    )
    func outliers(factor: Float) {
        var random = SplitMix64(state: 6)
        let context = context(.int8), columns = 576
        let w = MatrixCase(rows: 64, columns: columns).matrix(&random, pool: context.pool)
        var quiet = weights(w, context)
        for row in 0..<w.rows {
            for channel in stride(from: 5, to: columns, by: 64) {
                quiet[row * columns + channel] = 0
            }
        }
        let silent = quiet.withUnsafeBytes {
            NF4Matrix.quantize($0, dtype: .f32, rows: 64, columns: columns, pool: context.pool)
        }
        var x = random.array(5 * columns)
        for row in 0..<5 {
            for channel in stride(from: 5, to: columns, by: 64) {
                x[row * columns + channel] *= factor
            }
        }
        let expected = product(x, weights(silent, context), rows: 64, columns: columns)
        #expect(error(forward(silent, x, context), expected) < 5e-3)
    }

    @Test(
        "a row's bits depend neither on other rows, nor threads, nor instruction set",
        arguments: matrixCases,
        [ComputeDType.fp32, .bf16, .int8]
    )
    func invariance(shape: MatrixCase, dtype: ComputeDType) {
        var random = SplitMix64(state: 3)
        let one = context(dtype), three = context(dtype, threads: 3)
        let w = shape.matrix(&random, pool: one.pool)
        let x = random.array(150 * w.columns)
        let all = forward(w, x, three)
        onEveryInstructionSet { _ in
            #expect(bits(forward(w, x, one)) == bits(all))
            var row = 0
            for count in [1, 2, 3, 4, 5, 7, 8, 13, 16, 33] {
                let slice = Array(x[row * w.columns..<(row + count) * w.columns])
                let expected = Array(all[row * w.rows..<(row + count) * w.rows])
                #expect(bits(forward(w, slice, one)) == bits(expected))
                row += count
            }
        }
    }

    /// The sums of a block that come nearest to the end of 32 bits.
    @Test(
        "the greatest weights times the greatest activations do not saturate",
        arguments: [1, 4, 17]
    )
    func extremes(count: Int) {
        let context = context(.int8), columns = 128
        for sign: Float in [1, -1] {
            let w = [Float](repeating: sign, count: 16 * columns).withUnsafeBytes {
                NF4Matrix.quantize($0, dtype: .f32, rows: 16, columns: columns, pool: context.pool)
            }
            for (first, second): (Float, Float) in [
                (1, 1), (-1, -1), (1, -1), (127, 39.4), (83.5, 82.5), (-83.5, -82.5), (127, 126.5),
                (3e38, 3e38), (-3e38, 3e38), (1e-30, 1e-30),
            ] {
                let x = (0..<count * columns).map { $0 % 2 == 0 ? first : second }
                let y = forward(w, x, context)
                let expected = Double(sign) * 64 * (Double(first) + Double(second))
                let bound = 64 * 1e-3 * (Double(abs(first)) + Double(abs(second)))
                if abs(expected) < 3e38 {
                    #expect(y.allSatisfy { abs(Double($0) - expected) < bound })
                }
                onEveryInstructionSet { _ in #expect(bits(forward(w, x, context)) == bits(y)) }
            }
        }
    }

    @Test("the transposed product adds g W", arguments: matrixCases, [ComputeDType.fp32, .int8])
    func backward(shape: MatrixCase, dtype: ComputeDType) {
        var random = SplitMix64(state: 4)
        let context = context(dtype, threads: 2)
        let w = shape.matrix(&random, pool: context.pool)
        let exact = weights(w, context)
        let g = random.array(11 * w.rows)
        let start = random.array(11 * w.columns)
        var expected = start.map(Double.init)
        for m in 0..<11 {
            for r in 0..<w.rows {
                for k in 0..<w.columns {
                    expected[m * w.columns + k] +=
                        Double(g[m * w.rows + r]) * Double(exact[r * w.columns + k])
                }
            }
        }
        var dx = start
        w.backward(g, rows: 11, stride: w.rows, into: &dx, dxStride: w.columns, context)
        #expect(error(dx, expected) < (dtype == .fp32 ? 1e-6 : 5e-4))
        onEveryInstructionSet { _ in
            for m in [0, 5, 10] {
                var row = Array(start[m * w.columns..<(m + 1) * w.columns])
                let slice = Array(g[m * w.rows..<(m + 1) * w.rows])
                w.backward(slice, rows: 1, stride: w.rows, into: &row, dxStride: w.columns, context)
                #expect(bits(row) == bits(Array(dx[m * w.columns..<(m + 1) * w.columns])))
            }
        }
    }
}
