import CKernels
import Glibc
import InferenceRuntime
import Testing

/// d loss / d x[index] of a function in doubles, by central differences.
func slope(_ x: [Double], _ index: Int, _ loss: ([Double]) -> Double) -> Double {
    let step = 1e-5
    var (up, down) = (x, x)
    up[index] += step
    down[index] -= step
    return (loss(up) - loss(down)) / (2 * step)
}

@Suite("Norms, activations, positions")
struct LayerTests {
    @Test("RMSNorm and its gradient", arguments: [1, 16, 37, 256], [Float(0), 1])
    func rmsNorm(columns: Int, offset: Float) {
        var random = SplitMix64(state: 1)
        let context = context(.fp32, threads: 2)
        let norm = RMSNorm(eps: 1e-5, weightOffset: offset)
        let (x, weight) = (random.array(9 * columns), random.array(columns))
        var y = [Float](repeating: 0, count: x.count)
        norm.forward(
            x,
            rows: 9,
            columns: columns,
            stride: columns,
            weight: weight,
            into: &y,
            yStride: columns,
            context
        )
        func reference(_ x: [Double]) -> [Double] {
            let mean = x.reduce(0) { $0 + $1 * $1 } / Double(columns)
            return zip(x, weight).map {
                $0 / (mean + Double(Float(1e-5))).squareRoot() * (Double($1) + Double(offset))
            }
        }
        let rows = (0..<9).map { Array(x[$0 * columns..<($0 + 1) * columns]).map(Double.init) }
        #expect(error(y, rows.flatMap(reference)) < 1e-6)
        let dy = random.array(x.count), start = random.array(x.count)
        var dx = start
        norm.backward(
            x,
            gradient: dy,
            rows: 9,
            columns: columns,
            stride: columns,
            weight: weight,
            into: &dx,
            context
        )
        for index in [0, columns - 1, columns / 2] {
            let expected = slope(rows[3], index) { row in
                zip(reference(row), dy[(3 * columns)...]).reduce(0) { $0 + $1.0 * Double($1.1) }
            }
            let got = Double(dx[3 * columns + index]) - Double(start[3 * columns + index])
            #expect(abs(got - expected) < 2e-5 * max(1, abs(expected)))
        }
    }

    @Test("a row of zeros normalises to zeros and NaN stays in its row")
    func hostileNorm() {
        let context = context(.fp32)
        let x: [Float] = [0, 0, 0, .nan, 1, 2, .infinity, 1, 1]
        var y = [Float](repeating: 7, count: 9)
        RMSNorm(eps: 1e-6).forward(
            x,
            rows: 3,
            columns: 3,
            stride: 3,
            weight: [1, 1, 1],
            into: &y,
            yStride: 3,
            context
        )
        #expect(Array(y[0..<3]) == [0, 0, 0])
        #expect(y[4].isNaN)
    }

    @Test(
        "gated activations and their gradients",
        arguments: [GatedActivation.silu, .geluTanh, .geluErf, .reluSquared]
    )
    func gated(activation: GatedActivation) {
        var random = SplitMix64(state: 2)
        let context = context(.fp32, threads: 2)
        let columns = 1100
        let gate = random.array(2 * columns, scale: 9), up = random.array(2 * columns)
        let dout = random.array(2 * columns)
        func act(_ x: Double) -> Double {
            switch activation {
            case .silu: x / (1 + exp(-x))
            case .geluTanh: 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))
            case .geluErf: 0.5 * x * (1 + erf(x / 2.0.squareRoot()))
            case .reluSquared: x > 0 ? x * x : 0
            }
        }
        var out = [Float](repeating: 0, count: 2 * columns)
        activation.forward(
            gate: gate,
            up: up,
            rows: 2,
            columns: columns,
            stride: columns,
            into: &out,
            outStride: columns,
            context
        )
        #expect(error(out, zip(gate, up).map { act(Double($0)) * Double($1) }) < 3e-7)
        var (dgate, dup) = (gate, up)
        activation.backward(
            gate: gate,
            up: up,
            gradient: dout,
            rows: 2,
            columns: columns,
            stride: columns,
            gradientStride: columns,
            gateInto: &dgate,
            upInto: &dup,
            context
        )
        for i in stride(from: 0, to: 2 * columns, by: 37) {
            let step = 1e-5, x = Double(gate[i])
            let slope = (act(x + step) - act(x - step)) / (2 * step)
            #expect(abs(Double(dgate[i]) - Double(dout[i] * up[i]) * slope) < 3e-6)
            // A square is as much larger as its argument, and so is its last place.
            let bound = activation == .reluSquared ? 3e-6 * max(1, abs(x)) : 3e-6
            #expect(abs(Double(dup[i]) - Double(dout[i]) * act(x)) < bound)
        }
    }

    @Test("exp, tanh and erf are within a few units in the last place on every set")
    func polynomials() {
        var random = SplitMix64(state: 3)
        let x =
            (0..<20_000).map { _ in random.uniform() * Float(90) * random.uniform() }
            + [0, -0.0, 88.7, -87.3, -103.9, -104.1, 100, -200, 1e-30, 0.625, 0.6249999]
        typealias Kernel = (UnsafePointer<Float>?, Int, UnsafeMutablePointer<Float>?) -> Void
        let kernels: [(Kernel, (Double) -> Double, Double)] = [
            (fk_exp, { exp($0) }, 1.1), (fk_tanh, { tanh($0) }, 3), (fk_erf, { erf($0) }, 2.5),
        ]
        for (kernel, function, bound) in kernels {
            var first: [Float] = []
            onEveryInstructionSet { _ in
                var y = [Float](repeating: 0, count: x.count)
                kernel(x, x.count, &y)
                if first.isEmpty { first = y }
                #expect(bits(y) == bits(first))
            }
            let wrong = zip(x, first).filter { x, y in
                let expected = function(Double(x))
                if expected > Double(Float.greatestFiniteMagnitude) { return y != .infinity }
                let unit = Double(max(Float(expected).ulp, 0x1p-149))
                return abs(Double(y) - expected) > bound * unit
            }
            #expect(wrong.isEmpty, "\(wrong.prefix(3))")
            var special = [Float](repeating: 0, count: 3)
            kernel([.nan, .infinity, -.infinity], 3, &special)
            #expect(special[0].isNaN)
            #expect(Double(special[1]) == function(.infinity))
            #expect(Double(special[2]) == function(-.infinity))
        }
    }

    @Test("rotary positions rotate pairs and their gradient rotates back", arguments: [8, 6])
    func rope(half: Int) {
        var random = SplitMix64(state: 4)
        let frequencies = (0..<half).map { Float(pow(10_000, -Double($0) / Double(half))) }
        let positions: [Int32] = [0, 1, 77, 131_071]
        var cosines = [Float](repeating: 0, count: 4 * half), sines = cosines
        frequencies.withUnsafeBufferPointer {
            RoPE.table(
                positions: positions,
                rows: 4,
                inverseFrequencies: $0,
                factor: 1,
                cosines: &cosines,
                sines: &sines
            )
        }
        let x = random.array(4 * 3 * 16)
        var y = x
        RoPE.apply(
            &y,
            rows: 4,
            heads: 3,
            headDim: 16,
            stride: 48,
            half: half,
            cosines: cosines,
            sines: sines
        )
        for row in 0..<4 {
            for i in 0..<half {
                let angle = Double(Float(positions[row]) * frequencies[i])
                let (a, b) = (Double(x[row * 48 + 16 + i]), Double(x[row * 48 + 16 + i + half]))
                let low = a * cos(angle) - b * sin(angle), high = b * cos(angle) + a * sin(angle)
                #expect(abs(Double(y[row * 48 + 16 + i]) - low) < 2e-7)
                #expect(abs(Double(y[row * 48 + 16 + i + half]) - high) < 2e-7)
            }
            #expect(
                y[row * 48 + 2 * half..<row * 48 + 16] == x[row * 48 + 2 * half..<row * 48 + 16]
            )
        }
        RoPE.backward(
            &y,
            rows: 4,
            heads: 3,
            headDim: 16,
            stride: 48,
            half: half,
            cosines: cosines,
            sines: sines
        )
        #expect(error(y, x.map(Double.init)) < 3e-7)
    }

    @Test("the soft cap and its gradient")
    func softCap() {
        var random = SplitMix64(state: 5)
        let x = random.array(35, scale: 100)
        var y = x, gradient = [Float](repeating: 2, count: 35)
        SoftCap.apply(&y, count: 35, cap: 30)
        SoftCap.backward(capped: y, count: 35, cap: 30, gradient: &gradient)
        #expect(error(y, x.map { 30 * tanh(Double($0) / 30) }) < 3e-7)
        for (x, g) in zip(x, gradient) {
            let t = tanh(Double(x) / 30)
            #expect(abs(Double(g) - 2 * (1 - t * t)) < 2e-6)
        }
    }
}
