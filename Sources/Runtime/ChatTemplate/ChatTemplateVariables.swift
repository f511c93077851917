/// The variables a chat template is rendered with: one way for serving and for training, so that
/// both see the same text.
public struct ChatTemplateVariables: Sendable, Hashable {
    /// `bos_token`, `eos_token` and the like; a token the model does not have stays undefined.
    public let specialTokens: JSONObject

    /// Takes the special tokens of a model.
    public init(bos: String?, eos: String?, unk: String?, pad: String?) {
        let tokens = [
            ("bos_token", bos), ("eos_token", eos), ("unk_token", unk), ("pad_token", pad),
        ]
        specialTokens = JSONObject(
            tokens.compactMap { name, token in token.map { (key: name, value: .string($0)) } }
        )
    }

    /// The variables of one rendering.
    ///
    /// `tools` stays undefined where there are none: transformers defines it as `none` then, which
    /// renders the same but for templates that walk it unasked and fail.
    /// - Parameter more: further variables, such as `enable_thinking`; they win.
    public func variables(
        messages: JSONValue,
        tools: JSONValue?,
        addGenerationPrompt: Bool,
        more: JSONObject
    ) -> JSONObject {
        var variables = specialTokens
        variables["messages"] = messages
        variables["tools"] = tools
        variables["add_generation_prompt"] = .bool(addGenerationPrompt)
        for (name, value) in more.members { variables[name] = value }
        return variables
    }
}
