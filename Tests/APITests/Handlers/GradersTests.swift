import InferenceRuntime
import TestSupport
import Testing

@testable import API

@Suite("Graders over HTTP")
struct GradersTests {
    @Test("a key that may train and not ask grades texts, and asks no model")
    func rights() async throws {
        let world = try await TestWorld()
        func run(_ grader: JSONValue) async throws -> TestAPI.Reply {
            try await world.post(
                "/v1/fine_tuning/alpha/graders/run",
                ["grader": grader, "item": [:], "model_sample": "a"],
                as: "trainer"
            )
        }
        let check = try await run([
            "type": "string_check", "name": "n", "input": "{{sample.output_text}}",
            "reference": "a", "operation": "eq",
        ])
        #expect(check.status == 200 && check.json["reward"]?.double == 1)
        let judged = try await run([
            "type": "label_model", "name": "n", "model": "tiny", "labels": ["a"],
            "passing_labels": ["a"], "input": [["role": "user", "content": "a"]],
        ])
        let errors = judged.json["metadata"]?["errors"]
        #expect(judged.json["reward"]?.double == 0 && errors?["model_grader_server_error"] == true)
        #expect(errors?["model_grader_server_error_details"]?.string?.contains("no right") == true)
        #expect(world.generator.requests.isEmpty)
    }
}
