import InferenceRuntime

extension RelevanceRequest {
    /// What is asked, before it is known who answers.
    struct Asked: Sendable {
        let fields: RequestFields
        let shared: GenerationFields
        let encoder: PromptEncoder
        let idPrefix: String
        let writer: @Sendable (AnswerHead, any RelevanceScorer) -> any AnswerWriter

        init(
            fields: RequestFields,
            shared: GenerationFields,
            encoder: PromptEncoder,
            idPrefix: String,
            _ writer: @escaping @Sendable (AnswerHead, any RelevanceScorer) -> any AnswerWriter
        ) {
            (self.fields, self.shared, self.encoder) = (fields, shared, encoder)
            (self.idPrefix, self.writer) = (idPrefix, writer)
        }

        /// Pairs of texts: a reward model reads them as question and answer, others embed them.
        func comparing(_ pairs: TextPairs) throws(APIError) -> AnswerRequest {
            let limit = try limit
            let param = pairs.texts[0].param
            let scorer = EmbeddingScorer(encoder: encoder, pairs: pairs, maximumTokens: limit)
            var asked = try request(scorer, param)
            asked.suited = { mix throws(APIError) in
                guard let adapter = try mix.scoring() else { return nil }
                var scorer = RewardScorer(pairs, encoder: encoder, maximumTokens: limit)
                scorer.adapter = adapter
                return try request(scorer, param)
            }
            return asked
        }

        /// Conversations, which only a reward model can score.
        func scoring(
            _ conversations: [RewardScorer.Scored]
        ) throws(APIError) -> AnswerRequest {
            let unknown = RewardScorer(
                encoder: encoder,
                conversations: conversations,
                maximumTokens: try limit
            )
            var asked = try request(unknown, "messages")
            asked.suited = { [asked] mix throws(APIError) in
                guard let adapter = try mix.scoring() else {
                    throw .invalid(
                        "model",
                        "'\(shared.model.prefix(200))' is no reward model, so that it has no score of "
                            + "'messages'; compare texts by 'text_1' and 'text_2'."
                    )
                }
                var (scorer, suited) = (unknown, asked)
                scorer.adapter = adapter
                suited.writer = { [scorer] in writer($0, scorer) }
                return suited
            }
            return asked
        }

        private var limit: Int? {
            get throws(APIError) { try fields.integer("max_tokens_per_doc", in: 1...Int.max) }
        }

        private func request(
            _ scorer: some RelevanceScorer,
            _ param: String
        ) throws(APIError) -> AnswerRequest {
            guard encoder.model.hiddenSize != nil else {
                throw .unsupported("model", "'\(encoder.model.id)' cannot embed texts")
            }
            guard !shared.stream else {
                throw .unsupported("stream", "scores come at once; remove the field")
            }
            var asked = AnswerRequest(
                fields: shared,
                prompts: try scorer.prompts(),
                param: param,
                sampling: SamplingParameters(),
                choices: 1,
                maxTokens: 0,
                promptLogprobs: nil,
                stopTokens: [],
                text: AnswerRequest.Text(),
                idPrefix: idPrefix,
                writer: { writer($0, scorer) }
            )
            asked.embedsPrompts = true
            return asked
        }
    }
}
