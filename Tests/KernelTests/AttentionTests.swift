import InferenceRuntime
import Testing

struct AttentionCase: Sendable, CustomTestStringConvertible {
    var heads: Int, kvHeads: Int, headDim: Int
    var softCap: Float?
    var window: Int?
    var format: KVFormat
    var testDescription: String {
        "\(heads)/\(kvHeads)x\(headDim) cap \(softCap ?? 0) window \(window ?? 0) \(format)"
    }

    var attention: Attention {
        Attention(
            heads: heads,
            kvHeads: kvHeads,
            headDim: headDim,
            scale: 0.3,
            softCap: softCap,
            window: window
        )
    }
}

private let cases = [
    AttentionCase(heads: 4, kvHeads: 2, headDim: 16, format: .f32),
    AttentionCase(heads: 6, kvHeads: 2, headDim: 64, format: .f16),
    AttentionCase(heads: 3, kvHeads: 3, headDim: 10, window: 7, format: .f32),
    AttentionCase(heads: 8, kvHeads: 1, headDim: 32, softCap: 2, format: .f16),
    AttentionCase(heads: 2, kvHeads: 1, headDim: 24, softCap: 3, window: 20, format: .f32),
]

/// One sequence with its keys and values in scattered blocks of a pool.
private struct Scene {
    let shape: AttentionCase
    let count: Int
    let pool: KVBlockPool
    let table: [Int32]
    let q: [Float], k: [Float], v: [Float]

    init(_ shape: AttentionCase, count: Int, seed: UInt64) {
        self.shape = shape
        self.count = count
        var random = SplitMix64(state: seed)
        let blocks = (count + 15) / 16
        pool = KVBlockPool(
            layers: 2,
            kvHeads: shape.kvHeads,
            headDim: shape.headDim,
            blocks: blocks + 3,
            format: shape.format
        )
        table = (0..<blocks).map { Int32(blocks + 2 - $0) }
        q = random.array(count * shape.heads * shape.headDim)
        k = random.array(count * shape.kvHeads * shape.headDim)
        v = random.array(count * shape.kvHeads * shape.headDim)
    }

    /// Runs rows `range` as one call, after writing their keys.
    func run(
        _ range: Range<Int>,
        _ context: ComputeContext,
        lse: UnsafeMutablePointer<Float>? = nil
    ) -> [Float] {
        let width = shape.heads * shape.headDim, kvWidth = shape.kvHeads * shape.headDim
        var out = [Float](repeating: .nan, count: range.count * width)
        table.withUnsafeBufferPointer { table in
            guard let base = table.baseAddress else { return }
            let sequence = AttentionSequence(
                firstRow: 0,
                rows: range.count,
                firstPosition: range.lowerBound,
                blockTable: base
            )
            withUnsafePointer(to: sequence) { pointer in
                let list = UnsafeBufferPointer(start: pointer, count: 1)
                let (kRows, vRows) = (
                    Array(k[(range.lowerBound * kvWidth)...]),
                    Array(v[(range.lowerBound * kvWidth)...])
                )
                shape.attention.write(
                    k: kRows,
                    v: vRows,
                    stride: kvWidth,
                    sequences: list,
                    cache: pool,
                    layer: 1
                )
                shape.attention.forward(
                    q: Array(q[(range.lowerBound * width)...]),
                    qStride: width,
                    sequences: list,
                    cache: pool,
                    layer: 1,
                    into: &out,
                    outStride: width,
                    logSumExp: lse,
                    context
                )
            }
        }
        return out
    }

    /// Attention in doubles, from q and the keys and values as the cache rounds them.
    func expected(q: [Double], k: [Double], v: [Double]) -> [Double] {
        let dim = shape.headDim, group = shape.heads / shape.kvHeads
        var out = [Double](repeating: 0, count: q.count)
        for i in 0..<count {
            for h in 0..<shape.heads {
                let first = shape.window.map { max(0, i - $0 + 1) } ?? 0
                let scores = (first...i).map { j -> Double in
                    var sum = 0.0
                    for d in 0..<dim {
                        sum +=
                            q[(i * shape.heads + h) * dim + d]
                            * k[(j * shape.kvHeads + h / group) * dim + d]
                    }
                    sum *= Double(Float(0.3))
                    if let cap = shape.softCap.map(Double.init) { sum = cap * tanh(sum / cap) }
                    return sum
                }
                let greatest = scores.max() ?? 0
                let weights = scores.map { exp($0 - greatest) }
                let total = weights.reduce(0, +)
                for (n, weight) in weights.enumerated() {
                    let at = ((first + n) * shape.kvHeads + h / group) * dim
                    for d in 0..<dim {
                        out[(i * shape.heads + h) * dim + d] += weight / total * v[at + d]
                    }
                }
            }
        }
        return out
    }

    func rounded(_ x: [Float]) -> [Double] {
        guard shape.format == .f16 else { return x.map(Double.init) }
        return x.map { Double(Float(Float16($0))) }
    }
}

@Suite("Attention over the paged cache")
struct AttentionTests {
    @Test("equals softmax attention in doubles", arguments: cases)
    fileprivate func forward(shape: AttentionCase) {
        let scene = Scene(shape, count: 53, seed: 1)
        let got = scene.run(0..<53, context(.fp32, threads: 2))
        let expected = scene.expected(
            q: scene.q.map(Double.init),
            k: scene.rounded(scene.k),
            v: scene.rounded(scene.v)
        )
        #expect(error(got, expected) < 2e-6)
    }

    @Test("chunks, threads and instruction sets do not change a bit", arguments: cases)
    fileprivate func chunks(shape: AttentionCase) {
        let whole = Scene(shape, count: 53, seed: 2).run(0..<53, context(.fp32, threads: 3))
        let width = shape.heads * shape.headDim
        onEveryInstructionSet { _ in
            for step in [1, 5, 16, 33] {
                let scene = Scene(shape, count: 53, seed: 2)
                var parts: [Float] = []
                for start in stride(from: 0, to: 53, by: step) {
                    let end = min(start + step, 53)
                    parts += scene.run(start..<end, context(.fp32))
                }
                #expect(bits(parts) == bits(whole), "chunks of \(step), row width \(width)")
            }
        }
    }

    @Test("gradients equal finite differences", arguments: cases)
    fileprivate func backward(shape: AttentionCase) {
        let count = 21
        let scene = Scene(shape, count: count, seed: 3)
        let context = context(.fp32, threads: 2)
        let width = shape.heads * shape.headDim, kvWidth = shape.kvHeads * shape.headDim
        var lse = [Float](repeating: 0, count: count * shape.heads)
        let out = scene.run(0..<count, context, lse: &lse)
        var random = SplitMix64(state: 4)
        let dout = random.array(count * width)
        var dq = [Float](repeating: .nan, count: count * width)
        var dk = [Float](repeating: .nan, count: count * kvWidth)
        var dv = dk
        var delta = lse
        scene.table.withUnsafeBufferPointer { table in
            guard let base = table.baseAddress else { return }
            let sequence = AttentionSequence(
                firstRow: 0,
                rows: count,
                firstPosition: 0,
                blockTable: base
            )
            withUnsafePointer(to: sequence) {
                shape.attention.backward(
                    q: scene.q,
                    qStride: width,
                    out: out,
                    gradient: dout,
                    outStride: width,
                    logSumExp: lse,
                    delta: &delta,
                    sequences: UnsafeBufferPointer(start: $0, count: 1),
                    cache: scene.pool,
                    layer: 1,
                    dq: &dq,
                    dk: &dk,
                    dv: &dv,
                    kvStride: kvWidth,
                    context
                )
            }
        }
        let inputs = [scene.q.map(Double.init), scene.rounded(scene.k), scene.rounded(scene.v)]
        let slope = { (which: Int, index: Int) -> Double in
            let step = 1e-5
            let losses = [step, -step].map { change -> Double in
                var moved = inputs
                moved[which][index] += change
                let y = scene.expected(q: moved[0], k: moved[1], v: moved[2])
                return zip(y, dout).reduce(0) { $0 + $1.0 * Double($1.1) }
            }
            return (losses[0] - losses[1]) / (2 * step)
        }
        for (which, gradient) in [dq, dk, dv].enumerated() {
            for _ in 0..<12 {
                let index = random.below(gradient.count)
                let expected = slope(which, index)
                #expect(abs(Double(gradient[index]) - expected) < 2e-4 * max(1, abs(expected)))
            }
        }
    }

    @Test("a NaN in one sequence stays there, and huge keys saturate the half cache")
    func hostile() {
        let shape = AttentionCase(heads: 2, kvHeads: 1, headDim: 16, format: .f16)
        var scene = Scene(shape, count: 5, seed: 5)
        scene = Scene(shape, count: 5, seed: 5)
        let clean = scene.run(0..<5, context(.fp32))
        for block in 0..<scene.pool.blocks where !scene.table.contains(Int32(block)) {
            scene.pool.bytes(ofBlock: block).copyBytes(
                from: [UInt8](repeating: 0xff, count: scene.pool.bytesPerBlock)
            )
        }
        // Slots of the own block beyond the last position may hold anything.
        let slot = scene.pool.bytes(ofBlock: Int(scene.table[0]))
        let start = scene.pool.bytesPerBlock / 2
        for dim in 0..<16 {
            slot.storeBytes(
                of: UInt16(0x7e00),
                toByteOffset: start + (dim * 16 + 9) * 2,
                as: UInt16.self
            )
        }
        #expect(bits(scene.run(0..<5, context(.fp32))) == bits(clean))
    }
}

private func tanh(_ x: Double) -> Double { Double.tanhOf(x) }
private func exp(_ x: Double) -> Double { Double.expOf(x) }
