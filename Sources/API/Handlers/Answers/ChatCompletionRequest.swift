import InferenceRuntime

/// The body of `POST /v1/chat/completions`.
enum ChatCompletionRequest {
    /// Reads the body: the conversation becomes the tokens of one prompt.
    static func decode(
        _ fields: RequestFields,
        _ shared: GenerationFields,
        _ encoder: PromptEncoder
    ) throws(APIError) -> AnswerRequest {
        let conversation = try ChatConversation(fields)
        // Whether the answer carries log-probabilities, and with how many alternatives, 0–20.
        let logprobs = try logprobs(fields)
        let names = ["max_completion_tokens", "max_tokens"]
        let maxTokens = try fields.integer(firstOf: names, in: 1...Int.max)
        try refuseUnsupported(fields)
        try checkAccepted(fields)
        let scores = logprobs.map { ScoredTokenWriter(tokenizer: encoder.tokenizer, top: $0) }
        let promptScores = shared.promptLogprobs.map {
            ScoredTokenWriter(tokenizer: encoder.tokenizer, top: $0)
        }
        let (tokens, isThinking) = try encoder.prompt(of: conversation)
        let format = encoder.format(of: conversation)
        let isParallel = try fields.bool("parallel_tool_calls") ?? true
        let functions = conversation.functions.map { ($0.name, $0.parameters) }
        let parts = AnswerParts(
            format,
            isThinking: isThinking,
            tools: Dictionary(functions) { first, _ in first },
            maximumCalls: isParallel ? .max : 1
        )
        let shown = format.markerTokens(of: encoder.tokenizer)
        let showsThoughts = try fields.bool("include_reasoning") ?? true
        let tokenizer = encoder.tokenizer
        return AnswerRequest(
            fields: shared,
            prompts: [tokens],
            param: "messages",
            sampling: try shared.sampling(encoder.model, logprobs: logprobs),
            choices: shared.count,
            maxTokens: maxTokens,
            promptLogprobs: shared.promptLogprobs,
            stopTokens: try shared.stopTokens(encoder.model),
            text: AnswerRequest.Text(
                skipsSpecialTokens: shared.skipsSpecialTokens,
                shown: shown
            ),
            idPrefix: "chatcmpl-",
            writer: {
                ChatCompletionWriter(
                    head: $0,
                    fields: shared,
                    scores: scores,
                    promptScores: promptScores,
                    showsThoughts: showsThoughts,
                    parts: parts,
                    tokenizer: tokenizer
                )
            },
            constraint: try shared.answerConstraint(
                conversation,
                format,
                isThinking: isThinking,
                isParallel: isParallel,
                spelled: shown
            ),
            parts: parts
        )
    }

    private static func logprobs(_ fields: RequestFields) throws(APIError) -> Int? {
        let wanted = try fields.bool("logprobs") ?? false
        let top = try fields.integer("top_logprobs", in: 0...20)
        guard wanted else {
            if let top, top > 0 {
                throw .invalid(
                    "top_logprobs",
                    "'top_logprobs' is only allowed when 'logprobs' is true."
                )
            }
            return nil
        }
        return top ?? 0
    }

    /// What would change the answer and cannot be done must not be dropped silently.
    private static func refuseUnsupported(_ fields: RequestFields) throws(APIError) {
        for (index, modality) in (try fields.array("modalities") ?? []).enumerated()
        where modality != "text" {
            throw .unsupported("modalities[\(index)]", "this server answers with text only")
        }
        for name in ["audio", "prediction", "web_search_options", "moderation"]
        where fields[name] != nil {
            throw .unsupported(name, "remove the field")
        }
        if try fields.bool("continue_final_message") == true {
            throw .unsupported("continue_final_message", "use /apply-template and /v1/completions")
        }
    }

    /// Fields without effect here are still checked: a wrong value is an error everywhere.
    private static func checkAccepted(_ fields: RequestFields) throws(APIError) {
        try fields.check("service_tier", among: ["auto", "default", "flex", "scale", "priority"])
        try fields.check("verbosity", among: ["low", "medium", "high"])
        try fields.check(
            "reasoning_effort",
            among: ["none", "minimal", "low", "medium", "high", "xhigh", "max"]
        )
        _ = try fields.bool("parallel_tool_calls")
        try fields.checkMetadata()
    }
}

extension RequestFields {
    /// Checks that a field, where it is given, is one of a few words.
    func check(_ key: String, among words: [String]) throws(APIError) {
        guard let text = try string(key) else { return }
        guard words.contains(text) else { throw .notAmong(name(key), words, text) }
    }

    /// Checks `metadata`: at most 16 pairs, keys to 64 and values to 512 characters, or as many as
    /// `lengths` gives a key.
    @discardableResult
    func checkMetadata(lengths: [String: Int] = [:]) throws(APIError) -> JSONObject? {
        guard let metadata = try object("metadata") else { return nil }
        guard metadata.object.members.count <= 16 else {
            throw .invalid("metadata", "Invalid 'metadata': at most 16 pairs are allowed.")
        }
        for (key, value) in metadata.object.members {
            let param = "metadata.\(key.prefix(64))"
            guard let text = value.string else {
                throw .wrongType(param, expected: "a string", got: value)
            }
            let length = lengths[key] ?? 512
            guard key.unicodeScalars.count <= 64, text.unicodeScalars.count <= length else {
                throw .invalid(
                    param,
                    "Invalid '\(param)': keys have at most 64 characters, values \(length)."
                )
            }
        }
        return metadata.object
    }
}

extension APIError {
    /// A word that is none of those a field takes.
    static func notAmong(_ param: String, _ words: [String], _ got: String) -> APIError {
        let list = words.map { "'\($0)'" }.joined(separator: ", ")
        return .invalid(
            param,
            "Invalid value: '\(got.prefix(80))'. Supported values of '\(param)' are: \(list)."
        )
    }
}
