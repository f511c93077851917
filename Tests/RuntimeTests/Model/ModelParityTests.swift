import InferenceRuntime
import Testing

/// Models and adapters against transformers and PEFT in fp32 on the same NF4 weights.
@Suite("The model computes what transformers and PEFT compute")
struct ModelParityTests {
    @Test(
        "log probabilities of a base within 1e-3 of transformers",
        arguments: ["llama-gqa", "llama-tied", "qwen2", "llama-sharded"]
    )
    func base(_ name: String) throws {
        let fixture = try ModelFixture(name)
        for (prompt, expected) in try fixture.expectation("base") {
            let found = try fixture.logProbabilities(prompt)
            let difference = greatestDifference(found, expected)
            #expect(difference < 1e-3)
            #expect(difference < 5e-5, "much closer than promised: \(difference)")
        }
    }

    @Test(
        "log probabilities with an adapter within 1e-3 of PEFT",
        arguments: [
            ("llama-gqa", "attention"), ("llama-gqa", "everything"), ("llama-gqa", "patterns"),
            ("llama-gqa", "dora"), ("llama-gqa", "upper"), ("llama-gqa", "vocabulary"),
            ("qwen2", "biased"),
        ]
    )
    func adapter(_ model: String, _ name: String) throws {
        let fixture = try ModelFixture(model)
        let mix = AdapterMix([.init(adapter: try fixture.adapter(name), scale: 1)])
        for (prompt, expected) in try fixture.expectation(name) {
            let found = try fixture.logProbabilities(prompt, adapters: mix)
            let difference = greatestDifference(found, expected)
            #expect(difference < 1e-4, "\(difference)")
            let base = try fixture.logProbabilities(prompt)
            #expect(greatestDifference(found, base) > 1e-2, "the adapter must be felt")
        }
    }

    @Test(
        "a prompt's final hidden state gives transformers' probabilities through the head's weights"
    )
    func hiddenState() async throws {
        let fixture = try ModelFixture("llama-gqa")
        let weights = try SafetensorsFile(path: fixture.folder + "/model.safetensors")
        let tensor = try #require(weights["lm_head.weight"])
        #expect(tensor.type == .bf16)
        let head = withExtendedLifetime(weights) {
            tensor.bytes.withMemoryRebound(to: UInt16.self) { words in
                words.map { Float(bitPattern: UInt32($0) << 16) }
            }
        }
        let engine = try Engine(
            model: fixture.model,
            pool: fixture.context.pool,
            configuration: EngineConfiguration(limits: .forTests(), kvBlocks: 64)
        )
        let adapter = AdapterMix([.init(adapter: try fixture.adapter("attention"), scale: 1)])
        for (name, mix) in [("base", AdapterMix()), ("attention", adapter)] {
            for (prompt, expected) in try fixture.expectation(name) {
                var request = GenerationRequest(id: name, prompt: prompt, maxTokens: 0)
                request.adapters = mix
                request.embedsPrompt = true
                var state: [Float] = []
                for await case .prompt(let summary) in try engine.generate(request) {
                    state = summary.embedding ?? []
                }
                let width = state.count
                let logits = stride(from: 0, to: head.count, by: width).map { row in
                    zip(state, head[row..<row + width]).reduce(Float(0)) { $0 + $1.0 * $1.1 }
                }
                let last = Array(expected.suffix(logits.count))
                #expect(greatestDifference(logSoftmax(logits), last) < 1e-4)
            }
        }
    }

    @Test("a mix of two adapters adds both, as PEFT does")
    func mix() throws {
        let fixture = try ModelFixture("llama-gqa")
        let mix = AdapterMix([
            .init(adapter: try fixture.adapter("attention"), scale: 1),
            .init(adapter: try fixture.adapter("everything"), scale: 1),
        ])
        for (prompt, expected) in try fixture.expectation("attention+everything") {
            let found = try fixture.logProbabilities(prompt, adapters: mix)
            #expect(greatestDifference(found, expected) < 1e-4)
        }
    }
}
