import Glibc
@testable import InferenceRuntime
import TestSupport
import Testing

@Suite("Sampler")
struct SamplerTests {
    static let logits: [Float] = (0..<1000).map { (index: Int) -> Float in
        let x = Double(index)
        return Float(sin(x * 12.9898) * 4) + Float(cos(x * x * 0.37) * 3)
    }

    func sampler(_ parameters: SamplingParameters, seed: UInt64 = 1, choice: Int = 0) -> Sampler {
        Sampler(parameters, seed: seed, choice: choice, prompt: [3, 4], expecting: 8)
    }

    func draws(
        _ count: Int,
        from logits: [Float],
        _ parameters: SamplingParameters,
        seed: UInt64 = 1
    ) -> [Int32?] {
        let workspace = SamplerWorkspace(vocabulary: logits.count)
        var sampler = sampler(parameters, seed: seed)
        return (0..<count).map { _ in sampler.next(logits, workspace)?.id }
    }

    @Test("temperature 0 takes the largest logit, the lowest id among equals")
    func greedy() {
        var logits = Self.logits
        logits[777] = 50
        #expect(draws(3, from: logits, .greedy) == [777, 777, 777])
        logits[600] = 50
        #expect(draws(1, from: logits, .greedy) == [600])
        logits[999] = 51  // in the tail that fills no vector
        #expect(draws(1, from: logits, .greedy) == [999])
    }

    @Test("the same seed draws the same tokens, another seed or choice others")
    func seeds() {
        let parameters = SamplingParameters()
        let first = draws(40, from: Self.logits, parameters, seed: 5)
        #expect(first == draws(40, from: Self.logits, parameters, seed: 5))
        #expect(first != draws(40, from: Self.logits, parameters, seed: 6))

        let workspace = SamplerWorkspace(vocabulary: 1000)
        var second = sampler(parameters, seed: 4, choice: 1)
        #expect(first == (0..<40).map { _ in second.next(Self.logits, workspace)?.id })
    }

    @Test("the model's row is left as it is")
    func rowIsUntouched() {
        let parameters = SamplingParameters(
            topP: 0.5,
            repetitionPenalty: 2,
            logitBias: [1: 5],
            logprobs: 2
        )
        let workspace = SamplerWorkspace(vocabulary: 1000)
        var sampler = sampler(parameters)
        let row = Self.logits
        for _ in 0..<5 { _ = sampler.next(row, workspace) }
        #expect(row == Self.logits)
    }

    @Test("plain sampling follows the softmax")
    func distribution() {
        let logits: [Float] = [1, 2, 3, 0, -1, 2.5]
        let count = 20_000
        var tally = [Int](repeating: 0, count: 6)
        for id in draws(count, from: logits, SamplingParameters(temperature: 0.7)) {
            tally[Int(id ?? 0)] += 1
        }
        let weights = logits.map { exp(Double($0) / 0.7) }
        let total = weights.reduce(0, +)
        let chiSquare = zip(tally, weights).reduce(0.0) { sum, pair in
            let expected = pair.1 / total * Double(count)
            return sum + (Double(pair.0) - expected) * (Double(pair.0) - expected) / expected
        }
        #expect(chiSquare < 25)  // 5 degrees of freedom: exceeded once in ten thousand
    }

    @Test(
        "filters keep what a full sort keeps",
        arguments: [
            SamplingParameters(topP: 0.9), SamplingParameters(topP: 0.01),
            SamplingParameters(topP: 0), SamplingParameters(topK: 5),
            SamplingParameters(topK: 1), SamplingParameters(minP: 0.05),
            SamplingParameters(temperature: 0.5, topP: 0.8, topK: 40),
            SamplingParameters(temperature: 2, topP: 0.95, topK: 999, minP: 0.001),
            SamplingParameters(temperature: 1.5, topP: 0.999),
            SamplingParameters(topK: 100_000), SamplingParameters(topK: 700),
            SamplingParameters(temperature: 50, topP: 0.97),
        ]
    )
    func filters(_ parameters: SamplingParameters) {
        let kept = Set(Reference(Self.logits, parameters).kept)
        let drawn = draws(3000, from: Self.logits, parameters)
        #expect(drawn.allSatisfy { kept.contains(Int($0 ?? -1)) })
        if kept.count < 30 { #expect(Set(drawn).count == kept.count) }
    }

    @Test("every draw is the one that a walk over what is kept makes")
    func drawsMatchReference() {
        let all = [
            SamplingParameters(topP: 0.9), SamplingParameters(temperature: 0.6, topK: 50),
            SamplingParameters(topP: 0.7, topK: 20), SamplingParameters(topP: 0.99, minP: 0.01),
        ]
        for parameters in all {
            let expected = Reference(Self.logits, parameters).draws(200, seed: 9)
            let drawn = draws(200, from: Self.logits, parameters, seed: 9)
            #expect(drawn == expected)
        }
    }

    @Test("equal logits at the border of topK: the lower ids stay")
    func topKTies() {
        let drawn = draws(400, from: [1, 2, 2, 2, 2, 0], SamplingParameters(topK: 2))
        #expect(Set(drawn) == [1, 2])
    }

    @Test("filters of a large vocabulary, where bounds thin it out first")
    func largeVocabulary() {
        var random = TinyRandom(state: 11)
        for spread: Float in [0.01, 1, 12] {
            let logits = (0..<5000).map { _ in random.nextFloat() * spread }
            for parameters in [
                SamplingParameters(topP: 0.6), SamplingParameters(topK: 3),
                SamplingParameters(topK: 9), SamplingParameters(topP: 0.5, topK: 2000),
            ] {
                let expected = Reference(logits, parameters).draws(100, seed: 2)
                let drawn = draws(100, from: logits, parameters, seed: 2)
                #expect(drawn == expected, "\(spread) \(parameters)")
            }
        }
    }

    @Test("equal weights at the border of topP: as many as it takes, the lower ids")
    func topPTies() {
        let flat = [Float](repeating: 1, count: 1000)
        let drawn = Set(draws(20_000, from: flat, SamplingParameters(topP: 0.125)))
        #expect(drawn == Set((0..<125).map { Int32($0) }))
    }

    @Test("a broken row is an answer, not a trap", arguments: [Float.nan, .infinity])
    func brokenRows(_ value: Float) {
        var logits = Self.logits
        for place in [0, 500, 999] {
            logits[place] = value
            #expect(draws(1, from: logits, SamplingParameters()) == [nil])
            logits[place] = 0
        }
        #expect(draws(1, from: .init(repeating: -.infinity, count: 20), .greedy) == [nil])
    }

    @Test("tokens at −∞ are never drawn")
    func minusInfinity() {
        var logits = [Float](repeating: -.infinity, count: 2000)
        logits[1500] = 1
        logits[3] = 1
        #expect(Set(draws(100, from: logits, SamplingParameters())) == [3, 1500])
    }
}

/// What the sampler does, said plainly: sort everything.
private struct Reference {
    /// What the filters keep, best first.
    let kept: [Int]
    private let weights: [Float]

    init(_ logits: [Float], _ parameters: SamplingParameters) {
        let weights = Self.weights(logits, parameters)
        var order = weights.indices.filter { weights[$0] >= parameters.minP && weights[$0] > 0 }
        order.sort { (weights[$0], $1) > (weights[$1], $0) }
        if parameters.topK > 0 { order = Array(order.prefix(parameters.topK)) }
        if parameters.topP < 1 {
            let goal = Double(parameters.topP) * order.reduce(0.0) { $0 + Double(weights[$1]) }
            var mass = 0.0
            let count = order.firstIndex { index in
                mass += Double(weights[index])
                return mass >= goal
            }
            order = Array(order.prefix((count ?? order.count) + 1))
        }
        kept = order
        self.weights = weights
    }

    /// The tokens that a stream draws.
    func draws(_ count: Int, seed: UInt64) -> [Int32] {
        let order = kept.sorted()
        let total = order.reduce(0.0) { $0 + Double(weights[$1]) }
        return (0..<count).map { step in
            let goal = Philox.uniform(seed: seed, step: UInt64(step)) * total
            var reached = 0.0
            let index = order.first { index in
                reached += Double(weights[index])
                return reached > goal
            }
            return Int32(index ?? order.last ?? 0)
        }
    }

    /// The sampler's own weights: their rounding is not what is tested here.
    private static func weights(_ logits: [Float], _ parameters: SamplingParameters) -> [Float] {
        var weights = logits
        var sums = [Double](repeating: 0, count: logits.count / LogitsRow.block + 1)
        logits.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            _ = LogitsRow(base: base, count: buffer.count).writeWeights(
                &weights,
                sums: &sums,
                greatest: logits.max() ?? 0,
                inverseTemperature: 1 / parameters.temperature,
                floor: 0
            )
        }
        return weights
    }
}
