import Glibc
@testable import InferenceRuntime
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
            SamplingParameters(topK: 100_000),
        ]
    )
    func filters(_ parameters: SamplingParameters) {
        let kept = Reference.kept(Self.logits, parameters)
        let drawn = draws(3000, from: Self.logits, parameters)
        #expect(drawn.allSatisfy { kept.contains(Int($0 ?? -1)) })
        if kept.count < 30 { #expect(Set(drawn).count == kept.count) }
    }

    @Test("every draw is the one that a sorted walk makes")
    func drawsMatchReference() {
        let all = [
            SamplingParameters(topP: 0.9), SamplingParameters(temperature: 0.6, topK: 50),
            SamplingParameters(topP: 0.7, topK: 20), SamplingParameters(topP: 0.99, minP: 0.01),
        ]
        for parameters in all {
            let expected = (0..<200).map {
                Reference.draw(Self.logits, parameters, Philox.uniform(seed: 9, step: UInt64($0)))
            }
            let drawn = draws(200, from: Self.logits, parameters, seed: 9)
            #expect(drawn == expected.map { Int32($0) })
        }
    }

    @Test("equal logits at the border of topK: the lower ids stay")
    func topKTies() {
        let drawn = draws(400, from: [1, 2, 2, 2, 2, 0], SamplingParameters(topK: 2))
        #expect(Set(drawn) == [1, 2])
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
private enum Reference {
    static func kept(_ logits: [Float], _ parameters: SamplingParameters) -> [Int] {
        let weights = weights(logits, parameters)
        var order = weights.indices.filter { weights[$0] >= parameters.minP && weights[$0] > 0 }
        order.sort { (weights[$0], $1) > (weights[$1], $0) }
        if parameters.topK > 0 { order = Array(order.prefix(parameters.topK)) }
        let goal = Double(parameters.topP) * order.reduce(0.0) { $0 + Double(weights[$1]) }
        guard parameters.topP < 1 else { return order }
        var mass = 0.0
        var kept: [Int] = []
        for index in order {
            mass += Double(weights[index])
            kept.append(index)
            if mass >= goal { break }
        }
        return kept
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

    static func draw(_ logits: [Float], _ parameters: SamplingParameters, _ u: Double) -> Int {
        let order = kept(logits, parameters)
        let all = weights(logits, parameters)
        let weights = order.map { Double(all[$0]) }
        var reached = 0.0
        for (index, weight) in zip(order, weights) {
            reached += weight
            if reached > u * weights.reduce(0, +) { return index }
        }
        return order.last ?? 0
    }
}
