import InferenceRuntime

extension PromptEncoder {
    /// The prompt that asks to fill a gap, and the tokens that end the answer.
    ///
    /// - Throws: 400 where the model cannot do that, or the texts do not fit into its context.
    func infill(
        prefix: String,
        suffix: String,
        param: String,
        files: [InfillTokens.File] = [],
        start: String = ""
    ) throws(APIError) -> (tokens: [Int32], ends: Set<Int32>) {
        guard let infill = InfillTokens(tokenizer) else {
            throw .unsupported(
                param == "suffix" ? param : "input_suffix",
                "the vocabulary of '\(model.id)' has no infill tokens"
            )
        }
        let limit = model.generator.contextTokens
        // Text that is far beyond the context however it is cut is not worth the time of cutting.
        let bytes = files.reduce(prefix.utf8.count + suffix.utf8.count + start.utf8.count) {
            $0 + $1.bytes
        }
        let fewest = bytes / max(1, 2 * tokenizer.longestToken)
        let tokens =
            fewest <= limit
            ? infill.prompt(prefix: prefix, suffix: suffix, files: files, start: start) : []
        guard !tokens.isEmpty, tokens.count <= limit else {
            throw .contextLength(
                promptTokens: max(fewest, tokens.count),
                limit: limit,
                param: param
            )
        }
        return (tokens, infill.ends)
    }
}
