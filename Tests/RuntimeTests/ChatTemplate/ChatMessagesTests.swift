import Testing

@testable import InferenceRuntime

@Suite("Chat messages")
struct ChatMessagesTests {
    private func normalised(_ messages: JSONValue, _ source: String) throws -> JSONValue {
        ChatMessages.normalised(messages, for: try ChatTemplate(source: source))
    }

    @Test("text parts are joined; parts that are not text stay")
    func joinsParts() throws {
        let messages: JSONValue = [
            [
                "role": "user",
                "content": [["type": "text", "text": "a"], ["type": "text", "text": "b"]],
            ],
            ["role": "user", "content": [["type": "image_url", "image_url": ["url": "x"]]]],
            ["role": "user", "content": "c"], ["role": "assistant", "content": nil],
        ]
        let result = try normalised(messages, "").array
        #expect(result?[0]["content"] == "a\nb")
        #expect(result?[1] == messages.array?[1])
        #expect(result?[2] == messages.array?[2])
        #expect(result?[3] == messages.array?[3])
    }

    @Test("arguments of tool calls become the object they spell, in order")
    func parsesArguments() throws {
        let call: JSONValue = [
            "type": "function",
            "function": ["name": "f", "arguments": "{\"b\": 1.0, \"a\": [2]}"],
        ]
        let broken: JSONValue = ["function": ["name": "f", "arguments": "{oops"]]
        let messages: JSONValue = [["role": "assistant", "tool_calls": [call, broken]]]
        let calls = try normalised(messages, "").array?[0]["tool_calls"]?.array
        #expect(calls?[0]["function"]?["arguments"]?.serialized == "{\"b\":1.0,\"a\":[2]}")
        #expect(calls?[1] == broken)
    }

    @Test("developer becomes system unless the template knows it")
    func mapsDeveloper() throws {
        let messages: JSONValue = [["role": "developer", "content": "x"]]
        #expect(try normalised(messages, "developer").array?[0]["role"] == "system")
        let knowing = "{% if messages[0].role in ['developer'] %}{% endif %}"
        #expect(try normalised(messages, knowing) == messages)
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
