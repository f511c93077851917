import Glibc
@testable import InferenceRuntime
import Testing

@Suite("Logits: penalties, bias, log-probabilities")
struct LogitsTests {
    private let never = -Float.infinity

    func applied(
        _ parameters: SamplingParameters,
        prompt: [Int32] = [],
        generated: [Int32] = []
    ) -> [Float] {
        var row: [Float] = [1, -1, 2, -2, 0.5]
        var processors = LogitsProcessors(parameters, prompt: prompt, expecting: 4)
        for id in generated { processors.append(id) }
        row.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            processors.apply(to: base, count: buffer.count)
        }
        return row
    }

    @Test("presence counts once, frequency each time, over the generated text alone")
    func additivePenalties() {
        let parameters = SamplingParameters(presencePenalty: 0.5, frequencyPenalty: 0.25)
        let row = applied(parameters, prompt: [4, 4], generated: [0, 0, 1])
        #expect(row == [1 - 0.5 - 0.5, -1 - 0.5 - 0.25, 2, -2, 0.5])
    }

    @Test("repetition divides what is positive and multiplies what is negative, prompt included")
    func repetition() {
        let row = applied(SamplingParameters(repetitionPenalty: 2), prompt: [2, 3], generated: [1])
        #expect(row == [1, -2, 1, -4, 0.5])
    }

    @Test("only allowed tokens may come, whatever their bias")
    func allowed() {
        var parameters = SamplingParameters(logitBias: [0: 100, 3: 1])
        parameters.allowedTokens = [1, 3]
        #expect(applied(parameters) == [never, -1, never, -1, never])
        parameters.allowedTokens = [4, 99]
        #expect(applied(parameters) == [never, never, never, never, 0.5])
    }

    @Test("an answer does not end before its least length")
    func minTokens() {
        var parameters = SamplingParameters()
        parameters.minTokens = 2
        parameters.stopTokens = [0, 2]
        for generated in [[], [1]] as [[Int32]] {
            #expect(
                applied(parameters, generated: generated) == [never, -1, never, -2, 0.5]
            )
        }
        #expect(applied(parameters, generated: [1, 1]) == [1, -1, 2, -2, 0.5])
    }

    @Test("the last token of a banned sequence is masked after the others alone")
    func banned() {
        var parameters = SamplingParameters()
        parameters.bannedSequences = [[3], [1, 2, 0], []]
        #expect(applied(parameters) == [1, -1, 2, never, 0.5])
        #expect(applied(parameters, prompt: [1, 2]) == [1, -1, 2, never, 0.5])
        #expect(applied(parameters, generated: [4, 1, 2]) == [never, -1, 2, never, 0.5])
        #expect(applied(parameters, generated: [1, 2, 4]) == [1, -1, 2, never, 0.5])
    }

    @Test("bias comes first, before the penalties")
    func bias() {
        let parameters = SamplingParameters(repetitionPenalty: 2, logitBias: [1: 5, 4: -100])
        #expect(applied(parameters, prompt: [1]) == [1, 2, 2, -2, -99.5])
    }

    @Test("a bias decides at temperature 0, a penalty ends a repetition")
    func decisions() {
        let workspace = SamplerWorkspace(vocabulary: 3)
        var biased = Sampler(
            SamplingParameters(temperature: 0, logitBias: [2: 100]),
            seed: 0,
            choice: 0,
            prompt: [],
            expecting: 1
        )
        let decided = biased.next([3, 2, 1], workspace)?.id
        #expect(decided == 2)
        var varied = Sampler(
            SamplingParameters(temperature: 0, presencePenalty: 1.5),
            seed: 0,
            choice: 0,
            prompt: [],
            expecting: 1
        )
        let ids = (0..<4).map { _ in varied.next([3, 2, 1], workspace)?.id }
        #expect(ids == [0, 1, 0, 0])
    }

    @Test("log-probabilities are the model's own, whatever was drawn and how")
    func logprobs() throws {
        let logits = SamplerTests.logits
        let total = logits.reduce(0.0) { $0 + exp(Double($1)) }
        let expected = logits.map { Double($0) - log(total) }
        let workspace = SamplerWorkspace(vocabulary: logits.count)
        var sampler = Sampler(
            SamplingParameters(
                temperature: 0.3,
                repetitionPenalty: 3,
                logitBias: [5: 90],
                logprobs: 4
            ),
            seed: 1,
            choice: 0,
            prompt: [7],
            expecting: 1
        )
        let drawn = sampler.next(logits, workspace)
        let sample = try #require(drawn)
        #expect(sample.id == 5)
        #expect(abs(Double(try #require(sample.logprob)) - expected[5]) < 1e-5)
        let best = expected.indices.sorted { expected[$0] > expected[$1] }.prefix(4)
        #expect(sample.top.map(\.id) == best.map { Int32($0) })
        for top in sample.top { #expect(abs(Double(top.logprob) - expected[Int(top.id)]) < 1e-5) }
    }

    @Test("equal log-probabilities come in the order of their ids")
    func stableTies() {
        let workspace = SamplerWorkspace(vocabulary: 40)
        var logits = [Float](repeating: 0, count: 40)
        logits[33] = 1
        let sample = Sampler.describe(9, logits: logits, top: 4, workspace)
        #expect(sample?.top.map(\.id) == [33, 0, 1, 2])
    }

    @Test("more alternatives than tokens, or none at all")
    func extremes() {
        let workspace = SamplerWorkspace(vocabulary: 3)
        #expect(Sampler.describe(1, logits: [1, 2, 3], top: 20, workspace)?.top.count == 3)
        #expect(Sampler.describe(1, logits: [1, 2, 3], top: 0, workspace)?.top == [])
    }

    @Test("weights are exponentials, those of the tail too, and their sums are kept by block")
    func weights() {
        let logits = (0..<1300).map { -Float($0) * 0.05 }
        var weights = logits
        var sums = [Double](repeating: 0, count: 3)
        let total = LogitsRow(base: logits, count: 1300).writeWeights(
            &weights,
            sums: &sums,
            greatest: 0,
            inverseTemperature: 0.5,
            floor: 1e-12
        )
        for (weight, logit) in zip(weights, logits) {
            let exact = exp(Double(logit) / 2)
            #expect(exact < 0.99e-12 ? weight == 0 : abs(Double(weight) - exact) <= exact * 5e-7)
        }
        #expect(abs(total - weights.reduce(0.0) { $0 + Double($1) }) < 1e-5)
        #expect(total == sums.reduce(0, +))
    }
}
