import InferenceRuntime

/// Writes the answer of `POST /v1/rerank`: documents, the most relevant first.
struct RerankWriter: AnswerWriter {
    let head: AnswerHead
    let scorer: any RelevanceScorer
    /// As they came; `nil` where they are not shown.
    let documents: [JSONValue]?
    /// How many are shown.
    let count: Int

    func document(_ answers: CollectedAnswers) -> [UInt8] {
        let ranked = scorer.scores(answers).enumerated().sorted {
            ($1.element, $0.offset) < ($0.element, $1.offset)
        }
        let results = ranked.prefix(count).map { place, score -> JSONValue in
            var result: JSONObject = [
                "index": JSONValue(place),
                "relevance_score": JSONValue(scorer.relevance(of: score)),
            ]
            if let documents {
                let document = documents[place]
                result["document"] =
                    document.string.map { text -> JSONValue in ["text": .string(text)] } ?? document
            }
            return .object(result)
        }
        let body: JSONValue = [
            "id": .string(head.id), "object": "list", "model": .string(head.model),
            "results": .array(results), "usage": answers.usage.ofPrompts,
        ]
        return body.serializedBytes
    }

    // A ranking is known only at the end.
    func events(for event: AnswerRun.Event) -> [ServerSentEvent] { [] }
    func end(_ usage: CompletionUsage) -> [ServerSentEvent] { [] }
}

/// Writes the answer of `POST /v1/score`: a number for each pair.
struct ScoreWriter: AnswerWriter {
    let head: AnswerHead
    let scorer: any RelevanceScorer

    func document(_ answers: CollectedAnswers) -> [UInt8] {
        let data = scorer.scores(answers).enumerated().map { index, score -> JSONValue in
            ["index": JSONValue(index), "object": "score", "score": JSONValue(score)]
        }
        let body: JSONValue = [
            "id": .string(head.id), "object": "list", "created": JSONValue(head.created),
            "model": .string(head.model), "data": .array(data), "usage": answers.usage.ofPrompts,
        ]
        return body.serializedBytes
    }

    // Scores are never streamed.
    func events(for event: AnswerRun.Event) -> [ServerSentEvent] { [] }
    func end(_ usage: CompletionUsage) -> [ServerSentEvent] { [] }
}

extension CompletionUsage {
    /// What only reads prompts costs.
    fileprivate var ofPrompts: JSONValue {
        ["prompt_tokens": JSONValue(promptTokens), "total_tokens": JSONValue(promptTokens)]
    }
}
