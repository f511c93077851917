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
