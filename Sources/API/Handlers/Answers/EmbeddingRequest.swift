import InferenceRuntime

/// The body of `POST /v1/embeddings`.
enum EmbeddingRequest {
    /// Reads the body: texts become tokens, of which the last one's hidden state is wanted.
    static func decode(
        _ fields: RequestFields,
        _ shared: GenerationFields,
        _ encoder: PromptEncoder
    ) throws(APIError) -> AnswerRequest {
        guard let size = encoder.model.hiddenSize else {
            throw .unsupported("model", "'\(encoder.model.id)' cannot embed texts")
        }
        guard !shared.stream else {
            throw .unsupported("stream", "embeddings come at once; remove the field")
        }
        let texts = try CompletionRequest.prompts(fields, "input")
        try fields.check("encoding_format", among: ["float", "base64"])
        let isBase64 = try fields.string("encoding_format") == "base64"
        let dimensions = try fields.integer("dimensions", in: 1...size) ?? size
        var prompts: [[Int32]] = []
        for (index, text) in texts.enumerated() {
            let param = texts.count == 1 ? "input" : "input[\(index)]"
            prompts.append(try encoder.tokens(of: text, param: param))
        }
        var asked = AnswerRequest(
            fields: shared,
            prompts: prompts,
            param: "input",
            sampling: SamplingParameters(),
            choices: 1,
            maxTokens: 0,
            promptLogprobs: nil,
            stopTokens: [],
            text: AnswerRequest.Text(),
            idPrefix: "embd-",
            writer: { EmbeddingWriter(head: $0, dimensions: dimensions, isBase64: isBase64) }
        )
        asked.embedsPrompts = true
        return asked
    }
}
