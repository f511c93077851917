import TestSupport
import Testing

@testable import InferenceRuntime

@Suite("Chat messages")
struct ChatMessagesTests {
    private func normalised(_ messages: JSONValue, _ source: String) throws -> JSONValue {
        let messages = try #require(messages.array)
        return .array(try ChatMessages.normalised(messages, for: try ChatTemplate(source: source)))
    }

    @Test("text parts are joined; parts that are not text stay")
    func joinsParts() throws {
        let messages: JSONValue = [
            [
                "role": "user",
                "content": [["type": "text", "text": "a"], ["type": "text", "text": "b"]],
            ],
            ["role": "user", "content": [["type": "image_url", "image_url": ["url": "x"]]]],
            ["role": "user", "content": "c"],
        ]
        let result = try normalised(messages, "").array
        #expect(result?[0]["content"] == "a\nb")
        #expect(result?[1] == messages.array?[1])
        #expect(result?[2] == messages.array?[2])
    }

    @Test("arguments of tool calls become the object they spell, in order")
    func parsesArguments() throws {
        let call: JSONValue = [
            "type": "function",
            "function": ["name": "f", "arguments": "{\"b\": 1.0, \"a\": [2]}"],
        ]
        let messages: JSONValue = [["role": "assistant", "tool_calls": [call]]]
        let calls = try normalised(messages, "").array?[0]["tool_calls"]?.array
        #expect(calls?[0]["function"]?["arguments"]?.serialized == "{\"b\":1.0,\"a\":[2]}")
    }

    @Test("developer becomes system unless the template knows it")
    func mapsDeveloper() throws {
        let messages: JSONValue = [["role": "developer", "content": "x"]]
        #expect(try normalised(messages, "developer").array?[0]["role"] == "system")
        let knowing = "{% if messages[0].role in ['developer'] %}{% endif %}"
        #expect(try normalised(messages, knowing) == messages)
    }

    /// An assistant's message with one call.
    private func calling(_ arguments: JSONValue, _ more: JSONObject = [:]) -> JSONValue {
        var message: JSONObject = ["role": "assistant"]
        for (key, value) in more.members { message[key] = value }
        let function: JSONValue = ["name": "f", "arguments": arguments]
        message["tool_calls"] = [["id": "c", "type": "function", "function": function]]
        return .object(message)
    }

    @Test("what the SDK writes for members that are not set is as if they were not there")
    func nulls() throws {
        let plain: JSONValue = [["role": "assistant", "content": "a"]]
        let dumped: JSONValue = [
            [
                "role": "assistant", "content": "a", "refusal": nil, "audio": nil,
                "function_call": nil, "tool_calls": nil, "name": nil,
            ]
        ]
        #expect(try normalised(dumped, "") == plain)
        #expect(
            try normalised([["role": "assistant", "content": "a", "tool_calls": []]], "") == plain
        )
        let silent: JSONValue = [calling("{}", ["content": ""])]
        for content: JSONObject in [["content": nil], ["content": nil, "refusal": nil]] {
            #expect(try normalised([calling("{}", content)], "") == normalised(silent, ""))
        }
        // What is null inside arguments is the caller's.
        let inside = try normalised([calling(#"{"a": null}"#, ["content": ""])], "")
        #expect(inside.serialized.contains(#""arguments":{"a":null}"#))
        #expect(try normalised([["role": "user", "content": nil]], "") == [["role": "user"]])
    }

    @Test(
        "arguments that say nothing are the empty object",
        arguments: [.string(""), " \n\t", nil, [:]] as [JSONValue]
    )
    func emptyArguments(_ arguments: JSONValue) throws {
        let expected = try normalised([calling([:])], "")
        #expect(try normalised([calling(arguments)], "") == expected)
        #expect(expected.serialized.contains(#""arguments":{}"#))
    }

    @Test(
        "arguments that are no object are refused by name",
        arguments: ["[1]", "null", "7", "\"{}\"", "{oops", "{} x", 7, [1], true] as [JSONValue]
    )
    func wrongArguments(_ arguments: JSONValue) throws {
        let messages: [JSONValue] = [["role": "user", "content": "x"], calling(arguments)]
        let path = "messages[1].tool_calls[0].function.arguments"
        let error = #expect(throws: ChatMessageError.self) { try ChatMessages.canonical(messages) }
        #expect(error?.path == path)
    }

    @Test("the legacy function_call and its result become a call and a tool's message")
    func functionCall() throws {
        let call: JSONValue = ["name": "root", "arguments": "{\"x\": 2}"]
        let messages: [JSONValue] = [
            ["role": "user", "content": "root of 2?"],
            ["role": "assistant", "content": nil, "function_call": call],
            ["role": "function", "name": "root", "content": "1.41"],
        ]
        let result = try ChatMessages.canonical(messages)
        let calls: JSONValue = [["id": "call00001", "type": "function", "function": call]]
        #expect(result[1] == ["role": "assistant", "content": "", "tool_calls": calls])
        #expect(
            result[2] == [
                "role": "tool", "name": "root", "content": "1.41", "tool_call_id": "call00001",
            ]
        )
        let both: JSONValue = [
            "role": "assistant", "content": "", "function_call": call, "tool_calls": calls,
        ]
        #expect(throws: ChatMessageError.self) { try ChatMessages.canonical([both]) }
        #expect(throws: ChatMessageError.self) {
            try ChatMessages.canonical([["role": "assistant", "function_call": "f"]])
        }
    }

    @Test("what came stays: order of keys, spelling of numbers, what is no message")
    func untouched() throws {
        let text = #"[{"z":1.0,"role":"user","content":[{"type":"image"}],"a":1e5},7,null,"x"]"#
        let messages = try #require(JSONValue(parsing: text).array)
        #expect(JSONValue.array(try ChatMessages.canonical(messages)).serialized == text)
    }

    @Test(
        "published templates render one text for all spellings of a conversation",
        // The templates lie beside the checkout; without them there is nothing to render.
        .enabled(if: SharedData.folder("chat-templates") != nil),
        arguments: ConformanceCase.templateNames()
    )
    func publishedTemplates(_ name: String) throws {
        let template = try ChatTemplate(source: ConformanceCase.source(name))
        let tokens = ChatTemplateVariables(bos: "<s>", eos: "</s>", unk: nil, pad: nil)
        func render(_ assistant: JSONValue, _ more: [JSONValue]) throws -> Result<
            String, TemplateError
        > {
            let messages: [JSONValue] = [["role": "user", "content": "time?"], assistant] + more
            let variables = tokens.variables(
                messages: .array(try ChatMessages.normalised(messages, for: template)),
                tools: nil,
                addGenerationPrompt: true,
                more: [:]
            )
            return Result { () throws(TemplateError) in try template.render(variables) }
        }
        let noon: [JSONValue] = [["role": "tool", "tool_call_id": "call00001", "content": "noon"]]
        func call(_ arguments: JSONValue, _ content: JSONValue) -> JSONValue {
            let function: JSONValue = ["name": "now", "arguments": arguments]
            let calls: JSONValue = [["id": "call00001", "type": "function", "function": function]]
            return ["role": "assistant", "content": content, "tool_calls": calls]
        }
        let usual = try render(call("{}", ""), noon)
        for other in [call("", ""), call(" ", nil), call([:], nil), call(nil, "")] {
            #expect(try render(other, noon) == usual)
        }
        let legacy: JSONValue = [
            "role": "assistant", "content": nil, "function_call": ["name": "now", "arguments": ""],
        ]
        let result: JSONValue = ["role": "function", "content": "noon"]
        #expect(try render(legacy, [result]) == usual)
        let answer = try render(["role": "assistant", "content": "hello"], [])
        let dumped: JSONValue = [
            "role": "assistant", "content": "hello", "refusal": nil, "tool_calls": nil,
            "function_call": nil,
        ]
        #expect(try render(dumped, []) == answer)
        let none: JSONValue = ["role": "assistant", "content": "hello", "tool_calls": []]
        #expect(try render(none, []) == answer)
    }

    @Test("a checkpoint's templates: the file, the configuration, named ones, none")
    func loadsTemplates() throws {
        let one = try ChatTemplateSet.load(
            jinjaFile: nil,
            toolUseFile: nil,
            tokenizerConfig: ["chat_template": "one"]
        )
        #expect(one?.template(hasTools: true).source == "one")
        let named: JSONValue = [
            "chat_template": [
                ["name": "default", "template": "d"], ["name": "tool_use", "template": "t"],
            ]
        ]
        let two = try ChatTemplateSet.load(
            jinjaFile: nil,
            toolUseFile: nil,
            tokenizerConfig: named
        )
        #expect(two?.template(hasTools: true).source == "t")
        #expect(two?.template(hasTools: false).source == "d")
        let file = try ChatTemplateSet.load(
            jinjaFile: "file",
            toolUseFile: nil,
            tokenizerConfig: named
        )
        #expect(file?.main.source == "file")
        #expect(
            try ChatTemplateSet.load(jinjaFile: nil, toolUseFile: nil, tokenizerConfig: nil) == nil
        )
        #expect(try ChatTemplateSet.load(folder: "/nowhere") == nil)
    }
}
