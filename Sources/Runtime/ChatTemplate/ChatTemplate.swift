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
    public init(
        source: String,
        limits: TemplateLimits = TemplateLimits(),
        style: TemplateStyle = .chat
    ) throws(TemplateError) {
        self.source = source
        self.limits = limits
        program = try Self.nesting { () throws(TemplateError) in
            try TemplateParser.parse(source, limits: limits, style: style)
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
        try Self.nesting { () throws(TemplateError) in
            try TemplateInterpreter(
                program: program,
                variables: variables,
                limits: limits,
                now: now
            ).run()
        }
    }

    /// Runs the parser or the interpreter, which recurse as deep as the template nests.
    ///
    /// Depth is bounded by counting, so that the result does not depend on the caller's stack.
    private static func nesting<Success>(
        _ body: () throws(TemplateError) -> Success
    ) throws(TemplateError) -> Success {
        try Thread.withDeepStack(
            noThread: { TemplateError(kind: .limit, message: "\($0)", line: nil) },
            body
        )
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
