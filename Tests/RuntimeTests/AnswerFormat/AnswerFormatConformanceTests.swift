import Foundation
import TestSupport
import Testing

@testable import InferenceRuntime

/// Published templates: what they render of a conversation's calls is read back from it.
@Suite("Answer formats of published templates")
struct AnswerFormatConformanceTests {
    /// Templates that write no calls: they cannot be read back.
    static let silent: Set<String> = [
        "HuggingFaceTB-SmolLM3-3B", "LFM2-8B-A1B", "google-gemma-2-2b-it",
        "ibm-granite-granite-3.3-2B-Instruct", "microsoft-Phi-3.5-mini-instruct",
        // These fail where there are calls, or write them in a form that is not derived yet.
        "Kimi-K2-Instruct", "llama-cpp-deepseek-r1", "meetkai-functionary-medium-v3.2",
        "muse-glimmer", "deepseek-ai-DeepSeek-R1-Distill-Llama-8B",
    ]

    @Test(
        "calls that a template renders are read back, whatever the pieces",
        // The templates lie beside the checkout; without them there is nothing to read.
        .enabled(if: ChatTemplateConformanceTests.folder != nil),
        arguments: ChatTemplateConformanceTests.names.filter { !silent.contains($0) }
    )
    func readsCalls(name: String) throws {
        let template = try ChatTemplate(source: ConformanceCase.source(name))
        var read = 0
        for record in try ConformanceCase.records(name) {
            guard let turn = RenderedTurn(record, template) else { continue }
            read += 1
            let format = AnswerFormat(
                deriving: template,
                specialTokens: ChatTemplateVariables(
                    bos: record.variables["bos_token"]?.string,
                    eos: record.variables["eos_token"]?.string,
                    unk: nil,
                    pad: nil
                )
            )
            // Some templates leave the thoughts of earlier turns out.
            let closes = format.thought.map { turn.text.contains($0.close) } ?? false
            let answers = [Int.max, 7, 1].map { pieces in
                AnswerFormatTests.parse(
                    turn.text,
                    format,
                    isThinking: closes && format.isThinking(after: turn.prompt),
                    pieces: pieces
                )
            }
            #expect(answers[0] == answers[1] && answers[0] == answers[2])
            let calls = answers[0].calls.map { call in
                RenderedTurn.Call(call[0], try? JSONValue(parsing: Array(call[1].utf8)))
            }
            let what = "\(name), \(record.name): \(turn.text.debugDescription)"
            #expect(calls == turn.calls, "\(what)")
            #expect(answers[0].content == turn.content, "\(what)")
        }
        #expect(read > 0, "\(name) renders no call")
    }
}

/// What an assistant wrote in a recorded conversation, cut out of its rendering.
private struct RenderedTurn {
    let prompt: String
    let text: String
    let content: String
    let calls: [Call]

    struct Call: Equatable {
        let name: String
        let arguments: JSONValue?

        init(_ name: String, _ arguments: JSONValue?) {
            (self.name, self.arguments) = (name, arguments)
        }
    }

    init?(_ record: ConformanceCase, _ template: ChatTemplate) {
        guard let messages = record.variables["messages"]?.array,
            let place = messages.firstIndex(where: { $0["tool_calls"]?.array?.isEmpty == false })
        else { return nil }
        func render(_ count: Int, prompt: Bool) -> String? {
            var variables = record.variables
            let given = try? ChatMessages.normalised(Array(messages.prefix(count)), for: template)
            variables["messages"] = given.map(JSONValue.array)
            variables["add_generation_prompt"] = .bool(prompt)
            return try? template.render(variables)
        }
        guard let whole = render(place + 1, prompt: false), let prompt = render(place, prompt: true)
        else { return nil }
        let bytes = Array(whole.utf8)
        let common = bytes.commonStart(with: Array(prompt.utf8))
        // Where the prompt opens a thought that the rendering leaves out, the answer begins there.
        let start = bytes[..<common].lastIndex { $0 == 0x3E || $0 == 0x0A || $0 == 0x5D }
        var text = bytes[((common == prompt.utf8.count ? common - 1 : start ?? 0) + 1)...].text
        for end in [
            "<|im_end|>", "</s>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>",
            "<|role_end|>", "</assistant>", "<seed:eos>", "[e~[", "<|END_OF_TURN_TOKEN|>",
            "<｜end▁of▁sentence｜>", "<|message_sep|>", "<|end|>", "<sep>", "<|end_of_msg|>",
            "<|close|>message<|sep|>", "<|call|>", "<|tool_response>",
        ] {
            if let range = text.range(of: end) { text = String(text[..<range.lowerBound]) }
        }
        // Some templates take one call of several, and some end with the prompt cut short.
        let names = text.components(separatedBy: "get_weather").count - 1
        if record.name == "parallel_tool_calls", names < 2 || text.contains("[/INST]") {
            return nil
        }
        guard !text.isEmpty else { return nil }
        self.prompt = prompt
        self.text = text
        content = (messages[place]["content"]?.string ?? "")
            .trimmingCharacters(in: .whitespacesAndNewlines)
        calls = (messages[place]["tool_calls"]?.array ?? []).map { call in
            let arguments = call["function"]?["arguments"]
            let parsed = arguments?.string.flatMap { try? JSONValue(parsing: Array($0.utf8)) }
            return Call(call["function"]?["name"]?.string ?? "", parsed ?? arguments)
        }
    }
}
