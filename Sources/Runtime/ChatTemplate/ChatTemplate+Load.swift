/// The chat templates a checkpoint brings, by name.
///
/// Most have one; some add one for conversations with tools.
public struct ChatTemplateSet: Sendable {
    /// The template for conversations.
    public let main: ChatTemplate
    /// The template for conversations with tools, where it is another one.
    public let toolUse: ChatTemplate?

    /// Takes templates.
    public init(main: ChatTemplate, toolUse: ChatTemplate?) {
        self.main = main
        self.toolUse = toolUse
    }

    /// The template for a request, as transformers chooses it.
    public func template(hasTools: Bool) -> ChatTemplate {
        hasTools ? toolUse ?? main : main
    }

    /// The templates of a checkpoint: `chat_template.jinja` beats the `chat_template` of
    /// `tokenizer_config.json`, which is one template or a list of named ones.
    /// - Parameters:
    ///   - jinjaFile: the text of `chat_template.jinja`, where there is one.
    ///   - toolUseFile: the text of `additional_chat_templates/tool_use.jinja`, likewise.
    ///   - tokenizerConfig: `tokenizer_config.json`, where there is one.
    /// - Returns: `nil` where the checkpoint has no chat template.
    /// - Throws: `TemplateError` where a template cannot be parsed.
    public static func load(
        jinjaFile: String?,
        toolUseFile: String?,
        tokenizerConfig: JSONValue?,
        limits: TemplateLimits = TemplateLimits()
    ) throws(TemplateError) -> ChatTemplateSet? {
        var sources: [String: String] = [:]
        switch tokenizerConfig?["chat_template"] {
        case .string(let source)?: sources["default"] = source
        case .array(let named)?:
            for entry in named {
                if let name = entry["name"]?.string { sources[name] = entry["template"]?.string }
            }
        default: break
        }
        if let jinjaFile { sources["default"] = jinjaFile }
        if let toolUseFile { sources["tool_use"] = toolUseFile }
        guard let main = sources["default"] ?? sources["tool_use"] else { return nil }
        var toolUse: ChatTemplate?
        if let source = sources["tool_use"], sources["default"] != nil {
            toolUse = try ChatTemplate(source: source, limits: limits)
        }
        return ChatTemplateSet(
            main: try ChatTemplate(source: main, limits: limits),
            toolUse: toolUse
        )
    }

    /// The templates in a checkpoint's folder, or in the metadata of a GGUF file.
    /// - Returns: `nil` where the checkpoint has no chat template.
    /// - Throws: `TemplateError` where a template cannot be parsed or a file is not UTF-8 or JSON.
    public static func load(
        folder: String,
        limits: TemplateLimits = TemplateLimits()
    ) throws(TemplateError) -> ChatTemplateSet? {
        if GGUFModel.isNamed(folder) {
            return try load(
                jinjaFile: GGUFModel.chatTemplate(of: folder),
                toolUseFile: GGUFModel.chatTemplate(of: folder, named: "tool_use"),
                tokenizerConfig: nil,
                limits: limits
            )
        }
        var config: JSONValue?
        if let bytes = TemplateFile.bytes("\(folder)/tokenizer_config.json") {
            do throws(JSONError) {
                config = try JSONValue(parsing: bytes)
            } catch {
                let message = "tokenizer_config.json: \(error)"
                throw TemplateError(kind: .syntax, message: message, line: nil)
            }
        }
        return try load(
            jinjaFile: try TemplateFile.text("\(folder)/chat_template.jinja"),
            toolUseFile: try TemplateFile.text(
                "\(folder)/additional_chat_templates/tool_use.jinja"
            ),
            tokenizerConfig: config,
            limits: limits
        )
    }
}
