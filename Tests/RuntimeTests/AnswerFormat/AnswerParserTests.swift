import Testing

@testable import InferenceRuntime

@Suite("Answer parser")
struct AnswerParserTests {
    typealias Answer = AnswerFormatTests.Answer

    static let thinking = AnswerFormat(thought: .init("<think>", "</think>"), describesTools: true)

    /// Forms of calls, each with an answer in it.
    static let answers: [(format: AnswerFormat, text: String, expected: Answer)] = [
        (
            thinking,
            "<think>\nWhat now? 東\n</think>\n\nLet me see.\n\n<tool_call>\n"
                + #"{"name": "get_weather", "arguments": {"city": "東京 \"}{\""}}"#
                + "\n</tool_call>\n<tool_call>\n"
                + #"{"arguments": {"precision": 1}, "name": "calculate"}"# + "\n</tool_call>",
            Answer(
                thought: "What now? 東",
                content: "Let me see.",
                calls: [
                    ["get_weather", #"{"city": "東京 \"}{\""}"#],
                    ["calculate", #"{"precision": 1}"#],
                ]
            )
        ),
        (
            AnswerFormat(
                calls: ToolCallSyntax(
                    callOpening: "",
                    body: .object(name: "name", arguments: "parameters"),
                    callClosing: ""
                )
            ),
            #"{"name": "get_weather", "parameters": {"city": "Paris"}}; "#
                + #"{"name": "calculate", "parameters": {}}"#,
            Answer(calls: [["get_weather", #"{"city": "Paris"}"#], ["calculate", "{}"]])
        ),
        (
            AnswerFormat(
                calls: ToolCallSyntax(
                    opening: "[",
                    callOpening: "",
                    body: .python,
                    callClosing: "",
                    separator: ", ",
                    closing: "]"
                )
            ),
            #"[get_weather(city="São [Paulo]", unit='c'), calculate(precision=2, expression=None)]"#,
            Answer(calls: [
                ["get_weather", #"{"city":"São [Paulo]","unit":"c"}"#],
                ["calculate", #"{"precision":2,"expression":null}"#],
            ])
        ),
        (
            AnswerFormat(
                calls: ToolCallSyntax(
                    opening: "[TOOL_CALLS][",
                    callOpening: "",
                    body: .object(name: "name", arguments: "arguments"),
                    callClosing: "",
                    separator: ", ",
                    closing: "]"
                )
            ),
            #"Well. [TOOL_CALLS] [{"name": "calculate", "arguments": {"a": [1, {"b": 2}]}}]"#,
            Answer(content: "Well.", calls: [["calculate", #"{"a": [1, {"b": 2}]}"#]])
        ),
        (
            AnswerFormat(
                calls: ToolCallSyntax(
                    callOpening: "<tool_call>\n<function=",
                    body: .tagged(
                        .init(
                            nameEnd: ">\n",
                            open: "<parameter=",
                            keyEnd: ">\n",
                            valueStart: "",
                            close: "\n</parameter>"
                        )
                    ),
                    callClosing: "\n</function>\n</tool_call>",
                    separator: "\n"
                )
            ),
            "<tool_call>\n<function=calculate>\n<parameter=expression>\nif a < b:\n  1\n</parameter>\n"
                + "<parameter=precision>\n3\n</parameter>\n</function>\n</tool_call>",
            Answer(calls: [["calculate", #"{"expression":"if a < b:\n  1","precision":3}"#]])
        ),
        (
            AnswerFormat(
                calls: ToolCallSyntax(
                    callOpening: "<|tool_call>call:",
                    body: .braced(quote: "<|\"|>"),
                    callClosing: "<tool_call|>"
                )
            ),
            #"<|tool_call>call:get_weather{city:<|"|>a, "b"}<|"|>,days:[1,true]}<tool_call|>"#,
            Answer(calls: [["get_weather", #"{"city":"a, \"b\"}","days":[1,true]}"#]])
        ),
    ]

    @Test("an answer is the same however it is cut into pieces", arguments: answers.indices)
    func everySplit(index: Int) {
        let (format, text, expected) = Self.answers[index]
        #expect(AnswerFormatTests.parse(text, format) == expected)
        for pieces in 1...5 {
            #expect(AnswerFormatTests.parse(text, format, pieces: pieces) == expected)
        }
        for cut in text.indices {
            var parser = AnswerParser(format, isThinking: false, tools: AnswerFormatTests.tools)
            let parts = parser.feed(String(text[..<cut])) + parser.feed(String(text[cut...]))
            #expect(AnswerFormatTests.fold(parts + parser.finish()) == expected)
        }
    }

    @Test(
        "text that looks like calls stays text",
        arguments: [
            "I use <tool_call> like this.", "a < b and b > c", "<tool", "<tool_call> {not json}",
            "Two\n\n  lines\n", "{\"name\": \"other\"}", "",
        ]
    )
    func textStaysText(text: String) {
        for pieces in [Int.max, 1] {
            let answer = AnswerFormatTests.parse(text, AnswerFormat(), pieces: pieces)
            #expect(answer == Answer(content: text))
        }
    }

    @Test("a bare object that names no function is text")
    func bareObjects() {
        let format = Self.answers[1].format
        for text in [#"{"name": "unknown", "parameters": {}}"#, #"{"a": 1}"#, "[1, 2]", "{"] {
            #expect(AnswerFormatTests.parse(text, format, pieces: 3) == Answer(content: text))
        }
    }

    @Test("a call that is cut off is delivered as far as it came, and never as text")
    func cutOff() {
        let text = #"<tool_call>{"name": "get_weather", "arguments": {"city": "Pa"#
        let answer = AnswerFormatTests.parse(text, AnswerFormat(), pieces: 2)
        #expect(answer == Answer(calls: [["get_weather", #"{"city": "Pa"#]]))
        let begun = AnswerFormatTests.parse("Hm.\n<tool_call>{\"na", AnswerFormat())
        #expect(begun == Answer(content: "Hm."))
    }

    @Test("a prompt that opens a thought makes the answer begin with it")
    func openThought() {
        let format = Self.thinking
        #expect(format.isThinking(after: "<|im_start|>assistant\n<think>\n"))
        #expect(!format.isThinking(after: "<think>\n\n</think>\n\n"))
        let answer = AnswerFormatTests.parse("Hm </thin\n</think>\nYes", format, isThinking: true)
        #expect(answer == Answer(thought: "Hm </thin", content: "Yes"))
        let cut = AnswerFormatTests.parse("Hm", format, isThinking: true)
        #expect(cut == Answer(thought: "Hm"))
    }

    @Test("without tools, calls are text")
    func withoutTools() {
        var parser = AnswerParser(AnswerFormat(), isThinking: false, tools: [:])
        let text = #"<tool_call>{"name": "f", "arguments": {}}</tool_call>"#
        let parts = parser.feed(text) + parser.finish()
        #expect(AnswerFormatTests.fold(parts) == Answer(content: text))
    }

    @Test("a template that knows no tools gets the usual form")
    func plainTemplate() throws {
        let source = "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}"
        let format = AnswerFormat(
            deriving: try ChatTemplate(source: source),
            specialTokens: ChatTemplateVariables(bos: nil, eos: nil, unk: nil, pad: nil)
        )
        #expect(format == AnswerFormat())
    }
}
