extension AnswerFormat {
    /// The format of what a model writes whose chat template this is.
    ///
    /// Some dozens of short renderings; do it once for a template. What cannot be derived comes from
    /// a small table of texts that templates have in them, and last from facet's own form.
    public init(deriving template: ChatTemplate, specialTokens: ChatTemplateVariables) {
        let probe = TemplateProbe(template: template, specialTokens: specialTokens)
        let turn = Self.thoughtfulTurn(probe) ?? []
        let thought = Self.thought(template, turn)
        let frame = KnownForms.frames.first { template.writes($0, in: turn) } ?? []
        let derivation = CallSyntaxDerivation(probe: probe, thought: thought, frame: frame)
        self.init(
            thought: thought,
            frame: frame,
            calls: derivation.syntax() ?? KnownForms.calls(of: template) ?? .hermes,
            describesTools: Self.describesTools(probe),
            writesCalls: derivation.writesCalls
        )
    }

    private static func describesTools(_ probe: TemplateProbe) -> Bool {
        let name = Array(TemplateProbe.names[0].utf8)
        let text = probe.render([TemplateProbe.user], tools: true, prompt: true)
        return text?.firstIndex(of: name) != nil
    }

    private static let (inner, outer) = (Array("Zthoughts".utf8), Array("Zplain".utf8))

    /// What a conversation renders to that ends with a thought and an answer.
    private static func thoughtfulTurn(_ probe: TemplateProbe) -> [UInt8]? {
        let message: JSONValue = [
            "role": "assistant", "content": .string(outer.text),
            "reasoning_content": .string(inner.text), "reasoning": .string(inner.text),
        ]
        return probe.render([TemplateProbe.user, message], tools: false, prompt: false)
    }

    /// Markers that the template has in its text, or that it puts around a thought.
    private static func thought(_ template: ChatTemplate, _ turn: [UInt8]) -> Markers? {
        // Some have the closing marker only, to cut thoughts away.
        let known = KnownForms.thoughts.first { markers in
            template.has(markers.close) || template.writes([markers.open, markers.close], in: turn)
        }
        if let known { return known }
        guard let inner = turn.lastRange(of: inner), let outer = turn.lastRange(of: outer),
            inner.upperBound < outer.lowerBound,
            let open = Self.tag(turn[..<inner.lowerBound].trimmed.reversed(), ">", "<"),
            let close = Self.tag(turn[inner.upperBound..<outer.lowerBound].trimmed, "<", ">")
        else { return nil }
        return Markers(open.reversed().text, close.text)
    }

    /// The tag that bytes begin with.
    private static func tag(
        _ bytes: some Sequence<UInt8>,
        _ first: Unicode.Scalar,
        _ last: Unicode.Scalar
    ) -> [UInt8]? {
        var tag: [UInt8] = []
        for byte in bytes {
            if tag.isEmpty, byte != UInt8(ascii: first) { return nil }
            tag.append(byte)
            if byte == UInt8(ascii: last) { return tag }
        }
        return nil
    }
}

extension ChatTemplate {
    /// Whether a text stands in the template's source.
    func has(_ text: String) -> Bool { source.utf8.firstRange(of: text.utf8) != nil }

    /// Whether texts stand in the template or in what it rendered.
    func writes(_ texts: [String], in turn: [UInt8]) -> Bool {
        texts.allSatisfy { has($0) || turn.firstIndex(of: Array($0.utf8)) != nil }
    }
}

/// Forms that templates mention and do not write.
enum KnownForms {
    /// Around thoughts.
    static let thoughts: [AnswerFormat.Markers] = [
        .init("<think>", "</think>"),
        .init("<seed:think>", "</seed:think>"),
        .init("[THINK]", "[/THINK]"),
        .init("<|START_THINKING|>", "<|END_THINKING|>"),
        .init("<|inner_prefix|>", "<|inner_suffix|>"),
        .init("<|open|>think<|sep|>", "<|close|>think<|sep|>"),
        .init("<|channel>thought", "<channel|>"),
        .init("<|channel|>analysis<|message|>", "<|end|>"),
        .init("Here are my reasoning steps:", "[BEGIN FINAL RESPONSE]"),
    ]

    /// Around answers.
    static let frames = [
        ["<|START_RESPONSE|>", "<|END_RESPONSE|>"],
        ["<|open|>response<|sep|>", "<|close|>response<|sep|>"],
        [
            "<|start|>assistant", "<|channel|>final<|message|>", "<|channel|>commentary",
            "<|return|>",
        ],
    ]

    /// A text that stands in templates of a family, and how the family writes calls.
    private static let families: [(text: String, calls: ToolCallSyntax)] = [
        (
            "<|tool_calls_section_begin|>",
            ToolCallSyntax(
                opening: "<|tool_calls_section_begin|>",
                callOpening: "<|tool_call_begin|>functions.",
                body: .named(separator: ":", hasID: true),
                callClosing: "<|tool_call_end|>",
                closing: "<|tool_calls_section_end|>"
            )
        ),
        (
            "<|tool_list_start|>",
            ToolCallSyntax(
                opening: "<|tool_call_start|>[",
                callOpening: "",
                body: .python,
                callClosing: "",
                separator: ", ",
                closing: "]<|tool_call_end|>"
            )
        ),
        (
            "<|tool_call>call:",
            ToolCallSyntax(
                callOpening: "<|tool_call>call:",
                body: .braced(quote: "<|\"|>"),
                callClosing: "<tool_call|>"
            )
        ),
        (
            "<|tool_call|>",
            ToolCallSyntax(
                opening: "<|tool_call|>[",
                callOpening: "",
                body: .object(name: "name", arguments: "arguments"),
                callClosing: "",
                separator: ", ",
                closing: "]"
            )
        ),
        ("<tool_call>", .hermes),
    ]

    static func calls(of template: ChatTemplate) -> ToolCallSyntax? {
        families.first { template.has($0.text) }?.calls
    }
}
