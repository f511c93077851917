import InferenceRuntime

/// The body of `POST /infill`, as llama.cpp has it.
enum InfillRequest {
    /// The body in the words of completions: `model` may be left out, `n_predict` is the length.
    static func translated(
        _ fields: RequestFields,
        base: String
    ) throws(APIError) -> AnswerEndpoint.Translated {
        var object = fields.object
        if fields["model"] == nil { object["model"] = .string(base) }
        if let length = try fields.integer("n_predict", in: -1...Int.max) {
            object["max_tokens"] = length < 0 ? .null : JSONValue(length)
        }
        object["repetition_penalty"] = fields["repetition_penalty"] ?? fields["repeat_penalty"]
        // -1 asks for another one each time.
        if fields["seed"]?.int == -1 { object["seed"] = .null }
        // One answer, by the samplers that there are.
        for name in ["n", "n_predict", "repeat_penalty", "samplers"] { object[name] = nil }
        return AnswerEndpoint.Translated(
            fields: RequestFields(object),
            names: ["max_tokens": "n_predict", "repetition_penalty": "repeat_penalty"],
            decode: decode
        )
    }

    private static func decode(
        _ fields: RequestFields,
        _ shared: GenerationFields,
        _ encoder: PromptEncoder
    ) throws(APIError) -> AnswerRequest {
        let prompt = try encoder.infill(
            prefix: try fields.string("input_prefix") ?? "",
            suffix: try fields.string("input_suffix") ?? "",
            param: "input_prefix",
            files: try files(fields),
            start: try fields.string("prompt") ?? ""
        )
        var asked = AnswerRequest(
            fields: shared,
            prompts: [prompt.tokens],
            param: "input_prefix",
            sampling: try shared.sampling(encoder.model, logprobs: nil),
            choices: 1,
            maxTokens: try fields.integer("max_tokens", in: 0...Int.max),
            promptLogprobs: nil,
            stopTokens: try shared.stopTokens(encoder.model).union(prompt.ends),
            text: AnswerRequest.Text(continuesPrompts: true),
            idPrefix: "infill-",
            writer: { InfillWriter(head: $0, promptTokens: prompt.tokens.count) },
            constraint: shared.answerConstraint
        )
        asked.isTimed = true
        return asked
    }

    private static func files(_ fields: RequestFields) throws(APIError) -> [InfillTokens.File] {
        var files: [InfillTokens.File] = []
        for (index, element) in (try fields.array("input_extra") ?? []).enumerated() {
            let param = "input_extra[\(index)]"
            guard let object = element.object else {
                throw .wrongType(param, expected: "an object", got: element)
            }
            let extra = RequestFields(object, path: param + ".")
            files.append(
                InfillTokens.File(
                    name: try extra.string("filename") ?? "tmp",
                    text: try extra.requiredString("text")
                )
            )
        }
        return files
    }
}
