import Glibc
import InferenceRuntime
import Testing

@Suite("Norms by mean and deviation, MLPs without a gate, rotation of neighbours")
struct LayerNormTests {
    @Test("LayerNorm and its gradient, the same bits on every set", arguments: [16, 37, 256])
    func layerNorm(columns: Int) {
        var random = SplitMix64(state: 1)
        let context = context(.fp32, threads: 2)
        let norm = LayerNorm(eps: 1e-5, weightOffset: 1)
        let x = random.array(9 * columns).map { $0 + 3 }
        let (weight, bias) = (random.array(columns), random.array(columns))
        let dy = random.array(x.count), start = random.array(x.count)
        var first: [Float] = []
        onEveryInstructionSet { _ in
            var (y, dx) = (x, start)
            norm.forward(
                x,
                rows: 9,
                columns: columns,
                weight: weight,
                bias: bias,
                into: &y,
                context
            )
            norm.backward(
                x,
                gradient: dy,
                rows: 9,
                columns: columns,
                weight: weight,
                into: &dx,
                context
            )
            if first.isEmpty { first = y + dx }
            #expect(bits(y + dx) == bits(first))
        }
        func reference(_ x: [Double]) -> [Double] {
            let mean = x.reduce(0, +) / Double(columns)
            let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
            return x.indices.map {
                (x[$0] - mean) / (variance + 1e-5).squareRoot() * (Double(weight[$0]) + 1)
                    + Double(bias[$0])
            }
        }
        let rows = (0..<9).map { Array(x[$0 * columns..<($0 + 1) * columns]).map(Double.init) }
        #expect(error(Array(first[..<x.count]), rows.flatMap(reference)) < 2e-6)
        for index in [0, columns - 1, columns / 2] {
            let expected = slope(rows[3], index) { row in
                zip(reference(row), dy[(3 * columns)...]).reduce(0) { $0 + $1.0 * Double($1.1) }
            }
            let place = 3 * columns + index
            let got = Double(first[x.count + place]) - Double(start[place])
            #expect(abs(got - expected) < 5e-5 * max(1, abs(expected)))
        }
    }

    @Test(
        "an activation without a gate is that of a gate whose product is with 1",
        arguments: [GatedActivation.silu, .geluTanh, .geluErf, .reluSquared]
    )
    func ungated(activation: GatedActivation) {
        var random = SplitMix64(state: 2)
        let (columns, context) = (1100, context(.fp32, threads: 2))
        let x = random.array(2 * columns, scale: 5), dout = random.array(2 * columns)
        let ones = [Float](repeating: 1, count: 2 * columns)
        func run(_ up: UnsafePointer<Float>?) -> [Float] {
            var (out, dx, dup) = (x, x, ones)
            activation.forward(
                gate: x,
                up: up,
                rows: 2,
                columns: columns,
                stride: columns,
                into: &out,
                outStride: columns,
                context
            )
            dup.withUnsafeMutableBufferPointer { dup in
                activation.backward(
                    gate: x,
                    up: up,
                    gradient: dout,
                    rows: 2,
                    columns: columns,
                    stride: columns,
                    gradientStride: columns,
                    gateInto: &dx,
                    upInto: up == nil ? nil : dup.baseAddress,
                    context
                )
            }
            return out + dx
        }
        #expect(run(nil) == ones.withUnsafeBufferPointer { run($0.baseAddress) })
    }

    @Test("neighbours turn as halves do in another order")
    func neighbours() {
        var random = SplitMix64(state: 4)
        let half = 6, heads = 3, headDim = 16
        let angles = random.array(4 * half, scale: 3)
        let (cosines, sines) = (angles.map { cos($0) }, angles.map { sin($0) })
        let x = random.array(4 * heads * headDim)
        var order = Array(0..<headDim)
        for i in 0..<half { (order[2 * i], order[2 * i + 1]) = (i, i + half) }
        func reordered(_ x: [Float]) -> [Float] {
            var y = x
            for head in 0..<4 * heads {
                for i in 0..<headDim { y[head * headDim + i] = x[head * headDim + order[i]] }
            }
            return y
        }
        var (halves, pairs) = (x, reordered(x))
        func rotate(_ y: inout [Float], neighbours: Bool) {
            RoPE.apply(
                &y,
                rows: 4,
                heads: heads,
                headDim: headDim,
                stride: heads * headDim,
                half: half,
                cosines: cosines,
                sines: sines,
                neighbours: neighbours
            )
        }
        rotate(&halves, neighbours: false)
        rotate(&pairs, neighbours: true)
        #expect(pairs == reordered(halves))
        RoPE.backward(
            &pairs,
            rows: 4,
            heads: heads,
            headDim: headDim,
            stride: heads * headDim,
            half: half,
            cosines: cosines,
            sines: sines,
            neighbours: true
        )
        #expect(error(pairs, reordered(x).map(Double.init)) < 3e-7)
    }
}
