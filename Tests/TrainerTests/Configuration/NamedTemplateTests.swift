import InferenceRuntime
import Testing
import Trainer

/// Prompt formats by name, against the forms they were published in.
@Suite("Prompt formats by name")
struct NamedTemplateTests {
    private func render(_ name: String, system: String?) throws -> String {
        let format = try #require(NamedTemplate(name))
        var messages: [JSONValue] = [
            ["role": "user", "content": "it's"], ["role": "assistant", "content": "{a}"],
            ["role": "user", "content": "q2"], ["role": "assistant", "content": "b"],
        ]
        if let system { messages.insert(["role": "system", "content": .string(system)], at: 0) }
        return try ChatTemplate(source: format.jinja).render(
            ChatTemplateVariables(bos: "<s>", eos: "</s>", unk: nil, pad: nil).variables(
                messages: .array(messages),
                tools: nil,
                addGenerationPrompt: false,
                more: [:]
            )
        )
    }

    @Test(
        "with a system prompt",
        arguments: [
            (
                "llama3",
                "<s><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|>"
                    + "<|start_header_id|>user<|end_header_id|>\n\nit's<|eot_id|>"
                    + "<|start_header_id|>assistant<|end_header_id|>\n\n{a}<|eot_id|>"
                    + "<|start_header_id|>user<|end_header_id|>\n\nq2<|eot_id|>"
                    + "<|start_header_id|>assistant<|end_header_id|>\n\nb<|eot_id|>"
            ),
            (
                "llama2",
                "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\nit's [/INST]{a}</s><s>[INST] q2 [/INST]b</s>"
            ),
            (
                "gemma2",
                "<s><start_of_turn>user\nS\n\nit's<end_of_turn>\n<start_of_turn>model\n"
                    + "{a}<end_of_turn>\n<start_of_turn>user\nq2<end_of_turn>\n"
                    + "<start_of_turn>model\nb<end_of_turn>\n"
            ),
            ("mistral", "<s>[INST] S\n\nit's[/INST] {a}</s>[INST] q2[/INST] b</s>"),
            (
                "chatml",
                "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nit's<|im_end|>\n"
                    + "<|im_start|>assistant\n{a}<|im_end|>\n<|im_start|>user\nq2<|im_end|>\n"
                    + "<|im_start|>assistant\nb<|im_end|>\n"
            ),
            (
                "default",
                "System: S</s>\nHuman: it's</s>\nAssistant:{a}</s>\nHuman: q2</s>\n"
                    + "Assistant:b</s>\n"
            ),
            (
                "phi",
                "<|system|>\nS<|end|>\n<|user|>\nit's<|end|>\n<|assistant|>\n{a}<|end|>\n"
                    + "<|user|>\nq2<|end|>\n<|assistant|>\nb<|end|>\n"
            ),
        ]
    )
    func system(_ name: String, _ expected: String) throws {
        #expect(try render(name, system: "S") == expected)
    }

    @Test("without one, where some have their own")
    func noSystem() throws {
        #expect(
            try render("alpaca", system: nil)
                == "Below is an instruction that describes a task. Write a response that "
                + "appropriately completes the request.\n\n### Instruction:\nit's\n\n"
                + "### Response:\n{a}</s>\n\n### Instruction:\nq2\n\n### Response:\nb</s>\n\n"
        )
        #expect(
            try render("llama2", system: nil)
                == "<s>[INST] it's [/INST]{a}</s><s>[INST] q2 [/INST]b</s>"
        )
        #expect(
            try render("deepseek", system: nil)
                == "<s>User: it's\n\nAssistant:{a}</s>User: q2\n\nAssistant:b</s>"
        )
        #expect(NamedTemplate("nobody").map { _ in 0 } == nil)
    }
}
