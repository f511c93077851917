@testable import InferenceRuntime
import TestSupport
import Testing

@Suite("Answers held to a grammar")
struct ConstraintTests {
    private static let size = GrammarFixture.trie.vocabularySize
    private static let schema = """
        {"type": "object", "properties": {"a": {"enum": ["x", "yy", null]}, "b": {"type": "integer",
        "minimum": -5, "maximum": 99}}, "required": ["a", "b"], "additionalProperties": false}
        """

    private func request(_ salt: Int32, _ constraint: Grammar?, choices: Int = 1)
        -> GenerationRequest
    {
        var request = GenerationRequest.forTests(prompt: 20, salt: salt)
        request.sampling = SamplingParameters(temperature: 1, seed: UInt64(salt), logprobs: 3)
        request.choices = choices
        request.maxTokens = 60
        request.stopTokens = [GrammarFixture.endID]
        request.constraint = constraint
        return request
    }

    private func text(_ recorder: Recorder, _ choice: Int = 0) -> String {
        GrammarFixture.tokenizer.decode(recorder.tokens(choice), skipSpecialTokens: true)
    }

    private func harness() -> EngineHarness {
        EngineHarness(blocks: 256, vocabularySize: Self.size)
    }

    @Test("whatever the model says, every choice is a valid value and ends with stop")
    func valid() throws {
        let grammar = try GrammarFixture.schema(Self.schema)
        let harness = harness()
        let recorders = (0..<8).map { harness.submit(request($0, grammar, choices: 3)) }
        harness.run()
        var texts: Set<String> = []
        for recorder in recorders {
            for choice in 0..<3 {
                #expect(recorder.finish(choice) == .stop)
                let text = text(recorder, choice)
                #expect(try GrammarFixture.accepts(grammar, text), "\(text)")
                texts.insert(text)
            }
        }
        #expect(texts.count > 10, "choices go their own ways")
    }

    @Test("a constrained answer is the same alone and in a batch, and changes no other answer")
    func batches() throws {
        let grammar = try GrammarFixture.schema(Self.schema)
        let requests = (0..<10).map { request($0, $0 % 2 == 0 ? grammar : nil) }
        let together = harness()
        let recorders = requests.map { together.submit($0) }
        together.run()
        for (request, recorder) in zip(requests, recorders) {
            let alone = harness()
            let own = alone.submit(request)
            alone.run()
            #expect(own.events == recorder.events)
        }
    }

    @Test("log-probabilities are those of the model, not of what the grammar left")
    func logprobs() throws {
        let grammar = try Grammar(.choices(["ab"]), trie: GrammarFixture.trie)
        let harness = harness()
        harness.model.script = { _ in (0..<Self.size).map { Float($0 % 7) } }
        let recorder = harness.submit(request(1, grammar))
        harness.run()
        #expect(text(recorder) == "ab")
        for sample in recorder.samples() {
            #expect(sample.logprob.map { $0 < -2 } == true)
            #expect(sample.top.allSatisfy { $0.id % 7 == 6 })
        }
    }

    @Test("an answer is cut by its length, never by an end before it is whole")
    func length() throws {
        let grammar = try GrammarFixture.schema(#"{"type": "string", "minLength": 200}"#)
        var request = request(3, grammar)
        request.maxTokens = 10
        let harness = harness()
        let recorder = harness.submit(request)
        harness.run()
        #expect(recorder.finish() == .length && recorder.tokens().count == 10)
    }

    @Test("where nothing can follow, the request ends with an error and others go on")
    func deadEnd() throws {
        // Two of three are equal, whatever comes.
        let schema =
            #"{"items": {"enum": [1, 2]}, "type": "array", "minItems": 3, "uniqueItems": true}"#
        let grammar = try GrammarFixture.schema(schema)
        let harness = harness()
        let stuck = harness.submit(request(5, grammar))
        let other = harness.submit(request(6, nil))
        harness.run()
        guard case .constraint = stuck.failure else {
            Issue.record("\(String(describing: stuck.failure)) \(text(stuck))")
            return
        }
        #expect(other.failure == nil && other.hasEnded)
    }
}
