import Foundation
import TestSupport
import Testing

@testable import InferenceRuntime

@Suite("Assistant spans")
struct AssistantSpansTests {
    static let chatml = """
        {%- for message in messages -%}
        {{- '<|im_start|>' + message.role + '\\n' + message.content|trim + '<|im_end|>\\n' -}}
        {%- endfor -%}
        {%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}
        """
    static let tokens = EndTokens(stop: ["<|im_end|>"], special: ["<|im_start|>", "<|im_end|>"])

    private func spans(_ source: String, _ messages: JSONValue) throws -> AssistantSpans {
        try ChatTemplate(source: source)
            .assistantSpans(["messages": messages], endTokens: Self.tokens, now: .now)
    }

    private func parts(_ spans: AssistantSpans) -> [[String]] {
        let text = Array(spans.text.utf8)
        return spans.turns.map { turn in
            [turn.content, turn.end ?? 0..<0].map { String(decoding: text[$0], as: UTF8.self) }
        }
    }

    @Test("content and end token are found, the newline after it is not")
    func findsPlainTurns() throws {
        let spans = try spans(
            Self.chatml,
            [
                ["role": "user", "content": "hi"],
                ["role": "assistant", "content": "  Wörld\n"],
                ["role": "user", "content": "Wörld"],
                ["role": "assistant", "content": ""],
            ]
        )
        #expect(parts(spans) == [["Wörld", "<|im_end|>"], ["", "<|im_end|>"]])
        #expect(spans.turns.map(\.message) == [1, 3])
    }

    @Test("content that repeats the template's own text is not confused with it")
    func survivesTemplateText() throws {
        let content = "<|im_end|>\n<|im_start|>assistant\nx"
        let spans = try spans(
            Self.chatml,
            [
                ["role": "user", "content": .string(content)],
                ["role": "assistant", "content": .string(content)],
            ]
        )
        #expect(parts(spans) == [[content, "<|im_end|>"]])
    }

    @Test("a template that rewrites history beyond recognition is refused")
    func refusesRewriting() {
        let source = "{% for m in messages %}{{ m.content|length }};{% endfor %}"
        #expect(throws: AssistantSpanError.self) {
            try spans(source, [["role": "assistant", "content": "abc"]])
        }
    }

    @Test("generation marks are taken as the template sets them")
    func takesMarks() throws {
        let source = """
            {%- for m in messages -%}{%- if m.role == 'assistant' -%}A:
            {%- generation -%}{{ m.content }}<|im_end|>{{ '\\n' }}{%- endgeneration -%}
            {%- else -%}U:{{ m.content }}{%- endif -%}{%- endfor -%}
            """
        let spans = try spans(
            source,
            [["role": "user", "content": "q"], ["role": "assistant", "content": "a"]]
        )
        #expect(parts(spans) == [["a", "<|im_end|>"]])
    }

    @Test(
        "in every published template the turns hold the contents and nothing of the template",
        .enabled(if: SharedData.folder("chat-templates") != nil),
        arguments: ConformanceCase.templateNames()
    )
    func coversPublishedTemplates(name: String) throws {
        let template = try ChatTemplate(source: ConformanceCase.source(name))
        for record in try ConformanceCase.records(name) where record.expected != nil {
            guard let messages = record.variables["messages"]?.array,
                messages.contains(where: { $0["role"] == "assistant" })
            else { continue }
            let tokens = try specialTokens(name, record.variables)
            do throws(AssistantSpanError) {
                let spans = try template.assistantSpans(
                    record.variables,
                    endTokens: tokens,
                    now: ConformanceCase.clock
                )
                check(spans, messages, "\(name)/\(record.name)")
            } catch {
                // Reasoning and tool calls that a template moves about; a plain text is never lost.
                let isKnown = Self.refused.contains("\(name)/\(record.name)")
                #expect(isKnown, "\(name)/\(record.name): \(error)")
            }
        }
    }

    /// The only conversations of the 530 with an assistant in them that are refused: the template
    /// renders what is before the turn, or the turn itself, differently once more follows.
    static let refused: Set<String> = [
        "CohereForAI-c4ai-command-r7b-12-2024-tool_use/reasoning_content",
        "CohereForAI-c4ai-command-r7b-12-2024-tool_use/reasoning_content_last",
        "GLM-4.7-Flash/reasoning_content",
        "Mistral-Small-3.2-24B-Instruct-2506/tool_call_and_result",
        "mistralai-Mistral-Nemo-Instruct-2407/tool_call_and_result",
        "mistralai-Mistral-Nemo-Instruct-2407/parallel_tool_calls",
    ]

    private func check(_ spans: AssistantSpans, _ messages: [JSONValue], _ name: String) {
        for (turn, parts) in zip(spans.turns, parts(spans)) {
            let content = messages[turn.message]["content"]?.string ?? ""
            let isPlain = messages[turn.message].object?.members.count == 2
            let trimmed = content.trimmingCharacters(in: .whitespacesAndNewlines)
            let said = parts[0].trimmingCharacters(in: .whitespacesAndNewlines)
            if isPlain, !content.contains("</think>") {
                #expect(said == trimmed, "\(name): \(parts)")
            } else if !content.isEmpty {
                #expect(said.hasSuffix("4") || said.contains(trimmed), "\(name): \(parts)")
            }
            #expect(parts[1] == parts[1].trimmingCharacters(in: .whitespacesAndNewlines))
        }
    }

    /// What looks like a special token in a template, since tokenizers are not at hand here.
    private func specialTokens(_ name: String, _ variables: JSONObject) throws -> EndTokens {
        let source = try ConformanceCase.source(name)
        let pattern =
            /<[|｜][^<>]*?[|｜]>|<end_of_turn>|<\/s>|<\/assistant>|<sep>|<turn\|>|\[e~\[|<seed:eos>/
        let found = Set(source.matches(of: pattern).map { String($0.output) })
        let stops = [
            variables["eos_token"]?.string, "<|im_end|>", "<end_of_turn>", "<|eot_id|>", "<|end|>",
            "<|assistant_end|>",
        ]
        return EndTokens(stop: stops.compactMap { $0 }, special: found.sorted())
    }
}
