/// A model's chat template: Jinja source that turns messages into the text the model was trained on.
///
/// Parsed once, rendered for each request by a sandboxed interpreter that behaves as transformers'
/// does (`ImmutableSandboxedEnvironment`, `trim_blocks`, `lstrip_blocks`, loop controls), byte for
/// byte. Rendering depends on the variables and the clock alone, and is bounded by `limits`.
public final class ChatTemplate: Sendable {
    /// The Jinja source.
    public let source: String
    /// What one rendering may cost.
    public let limits: TemplateLimits
    let program: TemplateProgram

    /// Parses a template.
    /// - Throws: `TemplateError` of kind `syntax`, or `limit` where it nests too deep.
    public init(source: String, limits: TemplateLimits = TemplateLimits()) throws(TemplateError) {
        self.source = source
        self.limits = limits
        program = try StackRoom.run { () throws(TemplateError) in
            try TemplateParser.parse(source, limits: limits)
        }
    }

    /// Renders the template with variables: `messages`, `tools`, `add_generation_prompt`,
    /// `bos_token`, `eos_token` and whatever else it asks for.
    /// - Throws: `TemplateError`, with the line of the template.
    public func render(
        _ variables: JSONObject,
        now: TemplateClock = .now
    ) throws(TemplateError) -> String {
        try rendered(variables, now: now).text
    }

    /// Renders the template and tells where its `{% generation %}` blocks lie.
    func rendered(
        _ variables: JSONObject,
        now: TemplateClock
    ) throws(TemplateError) -> RenderedTemplate {
        let program = program
        let limits = limits
        return try StackRoom.run { () throws(TemplateError) in
            try TemplateInterpreter(
                program: program,
                variables: variables,
                limits: limits,
                now: now
            ).run()
        }
    }

    /// Whether the template has a string literal of exactly this text, such as a role it knows.
    public func knows(literal text: String) -> Bool {
        program.literals.contains(PythonString(text))
    }
}

/// What rendering gives.
struct RenderedTemplate: Sendable {
    /// The rendered text.
    let text: String
    /// UTF-8 offsets of what `{% generation %}` blocks rendered.
    let generations: [Range<Int>]
}
