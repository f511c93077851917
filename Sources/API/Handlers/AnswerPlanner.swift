import AdapterStore
import InferenceRuntime
import Storage

/// Translates what a client asked for into what the engine is asked to do.
struct AnswerPlanner: Sendable {
    /// What differs between chat and completions.
    struct Shape: Sendable {
        /// Prompts, tokenized.
        let prompts: [[Int32]]
        /// Choices per prompt.
        let choices: Int
        /// At most so many tokens; `nil`: what the context leaves.
        let maxTokens: Int?
        /// Alternatives per token of the answer; `nil`: none wanted.
        let logprobs: Int?
        /// The same for the tokens of the prompt.
        let promptLogprobs: Int?
        /// Whether the end token counts as a token of the answer, as `/v1/completions` has it.
        let showsEnd: Bool
        /// Whether answers go on the text of their prompts, and do not begin one.
        let continuesPrompts: Bool
        /// Scalars of echoed prompts; empty without echo.
        let offsets: [Int]
        /// The request field the prompts came from.
        let param: String
    }

    let model: ServedModel
    let metrics: ServerMetrics

    /// The run that answers; its prompts are charged to the caller's key.
    func plan(
        _ shape: Shape,
        _ fields: GenerationFields,
        source: AnswerSource,
        for caller: Caller,
        id: String
    ) throws(APIError) -> AnswerRun {
        let sampling = try sampling(fields, logprobs: shape.logprobs)
        let ends = model.defaults.endTokens
        let requests = shape.prompts.map { prompt in
            GenerationRequest(
                id: id,
                prompt: prompt,
                sampling: sampling,
                choices: shape.choices,
                maxTokens: shape.maxTokens,
                stopTokens: ends,
                ignoreEOS: fields.ignoreEnd || shape.showsEnd,
                adapters: source.mix,
                cacheSalt: Self.salt(caller, fields),
                fairnessKey: caller.tenant.name,
                promptLogprobs: shape.promptLogprobs
            )
        }
        try caller.admission?.takePrompt(tokens: shape.prompts.reduce(0) { $0 + $1.count })
        return AnswerRun(
            generator: model.generator,
            tokenizer: model.tokenizer,
            requests: requests,
            stop: fields.stop,
            isScored: shape.logprobs != nil,
            continuesPrompts: shape.continuesPrompts,
            endTokens: shape.showsEnd && !fields.ignoreEnd ? ends : [],
            offsets: shape.offsets,
            param: shape.param,
            meter: AnswerMeter(
                metrics: metrics,
                adapter: source.label,
                tenant: caller.tenant.description,
                admission: caller.admission
            )
        )
    }

    /// Never shared between tenants: how fast an answer comes would tell what others asked.
    private static func salt(_ caller: Caller, _ fields: GenerationFields) -> String {
        // The length keeps one tenant's key from spelling another tenant's name.
        let tenant = "\(caller.tenant.name.utf8.count):\(caller.tenant.name)"
        return fields.cacheKey.map { tenant + "/" + $0 } ?? tenant
    }

    private func sampling(
        _ fields: GenerationFields,
        logprobs: Int?
    ) throws(APIError) -> SamplingParameters {
        let size = model.tokenizer.vocabularySize
        var biases: [Int32: Float] = [:]
        for (token, bias) in fields.logitBias {
            guard token < size, let token = Int32(exactly: token) else {
                throw .invalid(
                    "logit_bias",
                    "Invalid 'logit_bias': token \(token) is not in the vocabulary of \(size) "
                        + "tokens."
                )
            }
            biases[token] = Float(bias)
        }
        return SamplingParameters(
            temperature: Float(fields.temperature ?? model.defaults.temperature ?? 1),
            topP: Float(fields.topP ?? model.defaults.topP ?? 1),
            topK: max(0, fields.topK ?? model.defaults.topK ?? 0),
            minP: Float(fields.minP ?? 0),
            seed: fields.seed.map { UInt64(bitPattern: Int64($0)) },
            repetitionPenalty: Float(fields.repetitionPenalty ?? 1),
            presencePenalty: Float(fields.presencePenalty),
            frequencyPenalty: Float(fields.frequencyPenalty),
            logitBias: biases,
            logprobs: logprobs
        )
    }

    /// What all chunks of an answer share.
    func head(prefix: String, _ fields: GenerationFields, _ source: AnswerSource) -> AnswerHead {
        AnswerHead(
            id: RandomID.make(prefix: prefix),
            created: UnixTime.now,
            model: fields.model,
            fingerprint: Fingerprint.make(
                [FacetVersion.text, model.baseHash] + source.generations
            )
        )
    }
}

/// Equal where base, adapters and program are: FNV-1a, since nobody attacks it.
enum Fingerprint {
    static func make(_ parts: [String]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for part in parts {
            for byte in part.utf8 + [0] {
                hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
            }
        }
        let digits = String(hash, radix: 16)
        return "fp_" + String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
