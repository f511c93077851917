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
        return try request(pairs, fields, shared, encoder, idPrefix: "rerank-") { head, scores in
            RerankWriter(
                head: head,
                scores: scores,
                documents: isShown ? elements : nil,
                count: top
            )
        }
    }

    /// Reads a body of vLLM's: texts that are compared one with each, or side by side.
    static func score(
        _ fields: RequestFields,
        _ shared: GenerationFields,
        _ encoder: PromptEncoder
    ) throws(APIError) -> AnswerRequest {
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
        return try request(pairs, fields, shared, encoder, idPrefix: "score-") { head, scores in
            ScoreWriter(head: head, scores: scores)
        }
    }

    private static func request(
        _ pairs: TextPairs,
        _ fields: RequestFields,
        _ shared: GenerationFields,
        _ encoder: PromptEncoder,
        idPrefix: String,
        _ writer: @escaping @Sendable (AnswerHead, PairScores) -> any AnswerWriter
    ) throws(APIError) -> AnswerRequest {
        guard encoder.model.hiddenSize != nil else {
            throw .unsupported("model", "'\(encoder.model.id)' cannot embed texts")
        }
        guard !shared.stream else {
            throw .unsupported("stream", "scores come at once; remove the field")
        }
        let limit = try fields.integer("max_tokens_per_doc", in: 1...Int.max)
        let scorer = EmbeddingScorer(encoder: encoder, maximumTokens: limit)
        let scores = PairScores(scorer: scorer, pairs: pairs)
        var asked = AnswerRequest(
            fields: shared,
            prompts: try scorer.prompts(of: pairs),
            param: pairs.texts[0].param,
            sampling: SamplingParameters(),
            choices: 1,
            maxTokens: 0,
            promptLogprobs: nil,
            stopTokens: [],
            text: AnswerRequest.Text(),
            idPrefix: idPrefix,
            writer: { writer($0, scores) }
        )
        asked.embedsPrompts = true
        return asked
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
