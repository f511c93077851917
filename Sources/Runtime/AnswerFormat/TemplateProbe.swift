/// Renders made-up conversations, to learn from what a template writes of them.
struct TemplateProbe {
    let template: ChatTemplate
    let specialTokens: ChatTemplateVariables

    /// A call with texts that no template has of its own.
    struct Call {
        let name: String
        let id: String
        let arguments: [(key: String, value: JSONValue)]

        /// The call as a message has it.
        func value(asText: Bool) -> JSONValue {
            let object = JSONValue.object(
                JSONObject(arguments.map { (key: $0.key, value: $0.value) })
            )
            let given: JSONValue = asText ? .string(object.serialized) : object
            return [
                "id": .string(id), "type": "function",
                "function": ["name": .string(name), "arguments": given],
            ]
        }
    }

    static let user: JSONValue = ["role": "user", "content": "Qwhat is it?"]
    static let names = ["pick_zapple", "pick_zberry"]
    static let keys = ["zkeyone", "zkeytwo"]
    static let texts = ["zvalone", "zvaltwo"]
    static let ids = ["Zid45678a", "Zid45678b"]

    /// Both functions take two texts and a number.
    static let tools = JSONValue.array(
        names.map { name in
            let text: JSONValue = ["type": "string", "description": "A word."]
            let properties: JSONValue = [
                keys[0]: text, keys[1]: text, "znumber": ["type": "integer"],
            ]
            let parameters: JSONValue = [
                "type": "object", "properties": properties, "required": .array([.string(keys[0])]),
            ]
            return [
                "type": "function",
                "function": [
                    "name": .string(name), "description": "Picks.", "parameters": parameters,
                ],
            ]
        }
    )

    /// What a conversation renders to; `nil` where the template refuses it.
    func render(
        _ messages: [JSONValue],
        tools: Bool,
        prompt: Bool,
        more: JSONObject = [:]
    ) -> [UInt8]? {
        let variables = specialTokens.variables(
            messages: .array(messages),
            tools: tools ? Self.tools : nil,
            addGenerationPrompt: prompt,
            more: more
        )
        return (try? template.render(variables)).map { Array($0.utf8) }
    }

    /// What an assistant writes that makes some calls, from the end of the prompt on, in the first
    /// of the shapes that the template takes: arguments as an object or as text, content empty or
    /// null.
    ///
    /// - Parameter texts: What it must say; the names of the functions by default.
    func turn(_ calls: [Call], saying texts: [[UInt8]]? = nil) -> [UInt8]? {
        let wanted = texts ?? calls.map { Array($0.name.utf8) }
        for asText in [false, true] {
            for content in [JSONValue.string(""), .null] {
                let message: JSONValue = [
                    "role": "assistant", "content": content,
                    "tool_calls": .array(calls.map { $0.value(asText: asText) }),
                ]
                guard let text = render([Self.user, message], tools: true, prompt: false),
                    let before = render([Self.user], tools: true, prompt: false)
                else { continue }
                let turn = Array(text[text.commonStart(with: before)...])
                if wanted.allSatisfy({ turn.firstIndex(of: $0) != nil }) { return turn }
            }
        }
        return nil
    }
}

extension [UInt8] {
    /// How many bytes two texts begin with alike.
    func commonStart(with other: [UInt8]) -> Int {
        zip(self, other).prefix { $0 == $1 }.reduce(0) { count, _ in count + 1 }
    }

    /// How many bytes two texts end with alike.
    func commonEnd(with other: [UInt8]) -> Int {
        zip(reversed(), other.reversed()).prefix { $0 == $1 }.reduce(0) { count, _ in count + 1 }
    }
}
