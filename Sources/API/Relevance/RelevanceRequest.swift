import InferenceRuntime

/// The bodies of `/v1/rerank` and `/v1/score`.
enum RelevanceRequest {
    /// The body of a ranking; `documents` means another thing where a chat has it.
    static func rerank(
        _ fields: RequestFields,
        _: Caller
    ) throws(APIError) -> AnswerEndpoint.Translated {
        var shared = fields.object
        shared["documents"] = nil
        return AnswerEndpoint.Translated(fields: RequestFields(shared)) {
            _,
            shared,
            encoder throws(APIError) in
            try ranking(fields, shared, encoder)
        }
    }

    /// Reads a body of Jina's and Cohere's: one query, many documents.
    private static func ranking(
        _ fields: RequestFields,
        _ shared: GenerationFields,
        _ encoder: PromptEncoder
    ) throws(APIError) -> AnswerRequest {
        let query = TextPairs.Text(text: try fields.requiredString("query"), param: "query")
        guard let elements = try fields.array("documents") else { throw .missing("documents") }
        let documents = try texts(
            elements,
            "documents",
            atMost: CompletionRequest.maximumPrompts - 1
        )
        let top = try fields.integer("top_n", in: 1...Int.max) ?? documents.count
        let isShown = try fields.bool("return_documents") ?? true
        let pairs = TextPairs(query, with: documents)
        let asked = Asked(fields: fields, shared: shared, encoder: encoder, idPrefix: "rerank-") {
            RerankWriter(
                head: $0,
                scorer: $1,
                documents: isShown ? elements : nil,
                count: top
            )
        }
        return try asked.comparing(pairs)
    }

    /// Reads a body of vLLM's: texts that are compared one with each, or side by side; or whole
    /// conversations for a reward model.
    static func score(
        _ fields: RequestFields,
        _ shared: GenerationFields,
        _ encoder: PromptEncoder
    ) throws(APIError) -> AnswerRequest {
        let asked = Asked(fields: fields, shared: shared, encoder: encoder, idPrefix: "score-") {
            ScoreWriter(head: $0, scorer: $1)
        }
        if let messages = try fields.array("messages") {
            return try asked.scoring(try conversations(messages))
        }
        let left = try sides(fields, "text_1")
        let right = try sides(fields, "text_2")
        guard left.count == 1 || left.count == right.count else {
            throw .invalid(
                "text_2",
                "Invalid 'text_2': with \(left.count) texts in 'text_1' it has as many, but it has "
                    + "\(right.count)."
            )
        }
        let pairs = left.count == 1 ? TextPairs(left[0], with: right) : TextPairs(left, right)
        return try asked.comparing(pairs)
    }

    /// One conversation, or a list of them.
    private static func conversations(
        _ messages: [JSONValue]
    ) throws(APIError) -> [RewardScorer.Scored] {
        let lists = messages.allSatisfy { $0.array != nil } ? messages : [.array(messages)]
        guard (1...CompletionRequest.maximumPrompts).contains(messages.count) else {
            throw .invalid(
                "messages",
                "Invalid 'messages': 1 to \(CompletionRequest.maximumPrompts) elements are allowed."
            )
        }
        return lists.enumerated().map { index, list in
            let param = lists.count == 1 ? "messages" : "messages[\(index)]"
            return RewardScorer.Scored(messages: list.array ?? [], param: param)
        }
    }

    /// One text or many.
    private static func sides(
        _ fields: RequestFields,
        _ name: String
    ) throws(APIError) -> [TextPairs.Text] {
        let value = try fields.required(name)
        if let text = value.string { return [TextPairs.Text(text: text, param: name)] }
        guard let elements = value.array else {
            throw .wrongType(name, expected: "a string or an array", got: value)
        }
        return try texts(elements, name, atMost: CompletionRequest.maximumPrompts / 2)
    }

    /// Texts, or objects with `text`.
    private static func texts(
        _ elements: [JSONValue],
        _ name: String,
        atMost most: Int
    ) throws(APIError) -> [TextPairs.Text] {
        guard !elements.isEmpty else {
            throw .invalid(name, "Invalid '\(name)': the array is empty.")
        }
        guard elements.count <= most else {
            throw .invalid(
                name,
                "Invalid '\(name)': at most \(most) texts are allowed.",
                code: "array_above_max_length"
            )
        }
        var texts: [TextPairs.Text] = []
        for (index, element) in elements.enumerated() {
            let param = "\(name)[\(index)]"
            guard let text = element.string ?? element["text"]?.string else {
                throw .wrongType(
                    param,
                    expected: "a string or an object with 'text'",
                    got: element
                )
            }
            texts.append(TextPairs.Text(text: text, param: param))
        }
        return texts
    }
}
