import InferenceRuntime
import Testing

/// Two adapters over a batch of 40 rows, some rows without any, a row range with both.
private struct LowRankScene {
    let columns: Int, outputs: Int
    let ranks = [8, 5]
    let a: [[Float]], b: [[Float]]
    let x: [Float]

    init(columns: Int, outputs: Int) {
        var random = SplitMix64(state: 1)
        self.columns = columns
        self.outputs = outputs
        a = ranks.map { random.array($0 * columns) }
        b = ranks.map { random.array($0 * outputs) }
        x = random.array(40 * columns)
    }

    /// Adapter, first row, rows, scale.
    let segments: [(Int, Int, Int, Float)] = [(0, 0, 1, 2), (1, 3, 30, 0.5), (0, 10, 7, 1)]

    func run(_ rows: Range<Int>, format: FloatFormat, _ context: ComputeContext) -> [Float] {
        func stored(_ x: [Float]) -> AlignedBuffer<UInt8> {
            let buffer = AlignedBuffer<UInt8>(count: x.count * format.width)
            format.encode(x, count: x.count, into: buffer.baseAddress)
            return buffer
        }
        let a0 = stored(a[0]), a1 = stored(a[1])
        let b0 = stored(b[0]), b1 = stored(b[1])
        var offset = 0
        var tasks: [LoRATask] = []
        for (adapter, first, count, scale) in segments {
            let clipped = (first..<first + count).clamped(to: rows)
            guard !clipped.isEmpty else { continue }
            tasks.append(
                LoRATask(
                    firstRow: clipped.lowerBound - rows.lowerBound,
                    rows: clipped.count,
                    rank: ranks[adapter],
                    offset: offset,
                    a: adapter == 0 ? a0.baseAddress : a1.baseAddress,
                    bTransposed: adapter == 0 ? b0.baseAddress : b1.baseAddress,
                    format: format,
                    scale: scale
                )
            )
            offset += clipped.count * ranks[adapter]
        }
        var t = [Float](repeating: .nan, count: offset)
        var y = [Float](repeating: 1, count: rows.count * outputs)
        tasks.withUnsafeBufferPointer { tasks in
            LoRAKernels.shrink(
                Array(x[rows.lowerBound * columns..<rows.upperBound * columns]),
                stride: columns,
                columns: columns,
                tasks: tasks,
                into: &t,
                context
            )
            LoRAKernels.expand(
                t,
                tasks: tasks,
                into: &y,
                stride: outputs,
                columns: outputs,
                context
            )
        }
        return y
    }

    func expected(format: FloatFormat) -> [Double] {
        func rounded(_ x: [Float]) -> [Double] {
            switch format {
            case .f32: x.map(Double.init)
            case .f16: x.map { Double(Float(Float16($0))) }
            case .bf16:
                x.map {
                    let bits = $0.bitPattern + 0x7fff + ($0.bitPattern >> 16 & 1)
                    return Double(Float(bitPattern: bits & 0xffff_0000))
                }
            }
        }
        let (a, b) = (a.map(rounded), b.map(rounded))
        var y = [Double](repeating: 1, count: 40 * outputs)
        for (adapter, first, count, scale) in segments {
            for row in first..<first + count {
                for j in 0..<ranks[adapter] {
                    var t = 0.0
                    for k in 0..<columns {
                        t += Double(x[row * columns + k]) * a[adapter][j * columns + k]
                    }
                    for o in 0..<outputs {
                        y[row * outputs + o] += Double(scale) * t * b[adapter][j * outputs + o]
                    }
                }
            }
        }
        return y
    }
}

@Suite("Low-rank products")
struct LowRankTests {
    @Test(
        "segments equal the products in doubles",
        arguments: [FloatFormat.f32, .f16, .bf16],
        [(64, 96), (50, 37)]
    )
    func products(format: FloatFormat, shape: (Int, Int)) {
        let scene = LowRankScene(columns: shape.0, outputs: shape.1)
        let got = scene.run(0..<40, format: format, context(.fp32, threads: 2))
        #expect(error(got, scene.expected(format: format)) < 2e-6)
    }

    @Test("a row's bits depend on nothing but the row", arguments: [(64, 96), (50, 37)])
    func invariance(shape: (Int, Int)) {
        let scene = LowRankScene(columns: shape.0, outputs: shape.1)
        let all = scene.run(0..<40, format: .f16, context(.fp32, threads: 3))
        onEveryInstructionSet { _ in
            for row in 0..<40 {
                let one = scene.run(row..<row + 1, format: .f16, context(.fp32))
                let expected = Array(all[row * scene.outputs..<(row + 1) * scene.outputs])
                #expect(bits(one) == bits(expected))
            }
        }
    }

    @Test("outer products gather gradients, equally on every set", arguments: [(5, 64), (16, 37)])
    func outer(shape: (Int, Int)) {
        var random = SplitMix64(state: 7)
        let (rank, columns) = shape
        let p = random.array(33 * rank), z = random.array(33 * columns)
        let start = random.array(rank * columns)
        var expected = start.map(Double.init)
        for m in 0..<33 {
            for j in 0..<rank {
                for c in 0..<columns {
                    expected[j * columns + c] +=
                        0.5 * Double(p[m * rank + j]) * Double(z[m * columns + c])
                }
            }
        }
        var first: [Float] = []
        onEveryInstructionSet { _ in
            var d = start
            LoRAKernels.outerProduct(
                p,
                rows: 33,
                rank: rank,
                with: z,
                stride: columns,
                columns: columns,
                scale: 0.5,
                into: &d,
                context(.fp32, threads: 2)
            )
            if first.isEmpty { first = d }
            #expect(bits(d) == bits(first))
        }
        #expect(error(first, expected) < 1e-6)
    }
}

@Suite("Dense matrices")
struct DenseTests {
    @Test(
        "products, lookups and gradients",
        arguments: [FloatFormat.f32, .f16, .bf16],
        [DenseMatrix.Products.exact, .eightBit]
    )
    func dense(format: FloatFormat, products: DenseMatrix.Products) {
        var random = SplitMix64(state: 8)
        let dtype: ComputeDType = products == .exact ? .fp32 : .int8
        let context = context(dtype, threads: 2)
        let (rows, columns, m) = (53, 100, 9)
        let values = random.array(rows * columns), x = random.array(m * columns)
        let source = AlignedBuffer<UInt8>(count: values.count * format.width)
        format.encode(values, count: values.count, into: source.baseAddress)
        var exact = values
        format.decode(source.baseAddress, count: values.count, into: &exact)
        let matrix = DenseMatrix(
            source.bytes,
            format: format,
            rows: rows,
            columns: columns,
            owner: nil,
            products: products,
            pool: context.pool
        )
        var row = [Float](repeating: 0, count: columns)
        matrix.gather(row: 52, into: &row)
        #expect(row == Array(exact[(52 * columns)...]))
        let input = LinearInput(maxRows: m, maxColumns: columns, dtype: dtype)
        var y = [Float](repeating: 0, count: m * rows), part = [Float](repeating: 0, count: 21)
        x.withUnsafeBufferPointer {
            guard let base = $0.baseAddress else { return }
            input.load(base, rows: m, columns: columns, context)
            matrix.forward(input, into: &y, stride: rows, context)
            input.load(base, rows: 1, columns: columns, context)
            matrix.forward(input, outputs: 32..<53, into: &part, stride: 21, context)
        }
        #expect(bits(part) == bits(Array(y[32..<53])))
        let expected = product(x, exact, rows: rows, columns: columns)
        #expect(error(y, expected) < (products == .exact ? 1e-6 : 0.01))
        let g = random.array(m * rows)
        var dx = [Float](repeating: 0, count: m * columns)
        matrix.backward(g, rows: m, stride: rows, into: &dx, dxStride: columns, context)
        let transposed = (0..<columns * rows).map { exact[$0 % rows * columns + $0 / rows] }
        let slope = product(g, transposed, rows: columns, columns: rows)
        #expect(error(dx, slope) < (products == .exact ? 1e-6 : 0.01))
    }
}
