import InferenceRuntime

/// What an answer is held to: what the request says, and the form of the calls it may or must make.
struct AnswerConstraint: Sendable {
    /// The field that asks for it, for errors.
    let param: String
    let source: GrammarSource
    /// Whether the request asks for it.
    ///
    /// What only helps is dropped where it can't be honoured.
    let isBinding: Bool
    /// Special tokens that are part of the text.
    let spelled: Set<Int32>

    /// Compiles it, or finds it again.
    ///
    /// - Throws: 400 with keyword and JSON pointer, or position.
    func compile(_ grammars: GrammarCache) throws(APIError) -> Grammar? {
        do throws(GrammarError) {
            return try grammars.grammar(source, spelled: spelled)
        } catch {
            guard isBinding else { return nil }
            throw .invalid(param, "Invalid '\(param)': \(error).", code: "invalid_constraint")
        }
    }
}

extension GenerationFields {
    /// What the answer to a plain prompt is held to.
    var answerConstraint: AnswerConstraint? {
        constraint.map {
            AnswerConstraint(param: $0.param, source: $0.source, isBinding: true, spelled: [])
        }
    }

    /// What the answer to a conversation is held to.
    ///
    /// Calls are written in the model's own form, and a thought goes before what is constrained.
    ///
    /// - Throws: 400 where the request has fields that contradict it.
    func answerConstraint(
        _ conversation: ChatConversation,
        _ format: AnswerFormat,
        isThinking: Bool,
        isParallel: Bool,
        spelled: Set<Int32>
    ) throws(APIError) -> AnswerConstraint? {
        let functions = conversation.functions
        let calls = ToolCallGrammar(format.calls, functions, isParallel: isParallel)
        var source: GrammarSource
        var isBinding = true
        if conversation.choice.isForced, !functions.isEmpty {
            source = calls.forced
        } else if let own = constraint?.source {
            source = functions.isEmpty ? own : .either([own, calls.forced])
        } else if !functions.isEmpty, let free = calls.free {
            isBinding = functions.contains(where: \.isStrict)
            guard isBinding || contradicting == nil else { return nil }
            source = free
        } else {
            return nil
        }
        let param = constraint?.param ?? (conversation.choice.isForced ? "tool_choice" : "tools")
        try checkConstrained(param)
        if let thought = format.thought {
            source = .afterThought(
                open: thought.open,
                close: thought.close,
                hasBegun: isThinking,
                source
            )
        }
        return AnswerConstraint(
            param: param,
            source: source,
            isBinding: isBinding,
            spelled: functions.isEmpty && format.thought == nil ? [] : spelled
        )
    }

    /// A field that would end a constrained answer before its end, or not at all.
    private var contradicting: String? {
        if minTokens > 0 { return "min_tokens" }
        if ignoreEnd { return "ignore_eos" }
        return stopTokenIDs.isEmpty ? nil : "stop_token_ids"
    }

    /// Refuses what contradicts a constraint.
    ///
    /// - Parameter param: The field that asks for the constraint.
    func checkConstrained(_ param: String) throws(APIError) {
        guard let name = contradicting else { return }
        throw .invalid(name, "'\(name)' can't be combined with '\(param)'.")
    }
}
