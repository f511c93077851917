import InferenceRuntime

/// The fields all protocols that answer share, as the request gives them: what is absent stays
/// `nil`, so that the model's own defaults can fill it.
struct GenerationFields: Sendable {
    /// `model` as written: decides which adapter answers and is echoed.
    let model: String
    /// The weighted mix of `lora`; `nil` where the request has none.
    let lora: [AdapterChoice]?
    /// The numbers that choose tokens, as far as the request gives them.
    let numbers: [(number: SamplingNumber, value: Double)]
    let topK: Int?
    /// Token id → bias added to its logit; ids are checked against the vocabulary later.
    let logitBias: [(token: Int, bias: Double)]
    let seed: Int?
    /// At most four texts, none empty.
    let stop: [String]
    let ignoreEnd: Bool
    /// Tokens that end an answer beside the model's own; checked against the vocabulary later.
    let stopTokenIDs: [Int]
    /// No token that ends an answer is drawn before so many others.
    let minTokens: Int
    /// Texts that must not come; none empty.
    let badWords: [String]
    /// The only tokens that may come; checked against the vocabulary later.
    let allowedTokenIDs: [Int]?
    /// Alternatives per token of the prompt, in vLLM's form; `nil`: none wanted.
    let promptLogprobs: Int?
    /// Whether special tokens stay out of the text.
    let skipsSpecialTokens: Bool
    /// How many choices per prompt, 1–128.
    let count: Int
    let stream: Bool
    let includeUsage: Bool
    /// Whether each event of a stream tells how long the answer took so far.
    let timesEachToken: Bool
    /// What the answer is held to, and the field that says so.
    let constraint: ConstraintField?
    /// The hash of what keeps this caller's cached prefixes apart within its tenant: only compared,
    /// so that nothing of the request lives on in the cache.
    let cacheKeyHash: String?

    init(_ fields: RequestFields) throws(APIError) {
        model = try fields.requiredString("model")
        lora = try AdapterChoice.list(fields)
        numbers = try Self.numbers(fields)
        topK = try fields.integer("top_k", in: -1...Int(Int32.max))
        logitBias = try Self.logitBias(fields)
        seed = try fields.integer("seed", in: Int.min...Int.max)
        stop = try Self.stop(fields)
        ignoreEnd = try fields.bool("ignore_eos") ?? false
        stopTokenIDs = try Self.tokenIDs(fields, "stop_token_ids") ?? []
        minTokens = try fields.integer("min_tokens", in: 0...Int(Int32.max)) ?? 0
        badWords = try Self.badWords(fields)
        allowedTokenIDs = try Self.tokenIDs(fields, "allowed_token_ids")
        promptLogprobs = try fields.integer("prompt_logprobs", in: 0...20)
        skipsSpecialTokens = try fields.bool("skip_special_tokens") ?? true
        count = try fields.integer("n", in: 1...128) ?? 1
        stream = try fields.bool("stream") ?? false
        timesEachToken = try fields.bool("timings_per_token") ?? false
        includeUsage = try Self.includeUsage(fields, stream: stream)
        cacheKeyHash = try fields.string("prompt_cache_key").map { SHA256.hex(of: Array($0.utf8)) }
        if stream, promptLogprobs != nil {
            throw .invalid(
                "prompt_logprobs",
                "'prompt_logprobs' is not available when 'stream' is true."
            )
        }
        constraint = try ConstraintField.read(fields)
        try UnsupportedFields.refuse(fields)
        try Self.checkAccepted(fields)
        if let constraint { try checkConstrained(constraint.param) }
    }

    private static func numbers(
        _ fields: RequestFields
    ) throws(APIError) -> [(number: SamplingNumber, value: Double)] {
        var numbers: [(number: SamplingNumber, value: Double)] = []
        for number in SamplingNumber.all {
            guard let value = try fields.number(number.name, in: number.range) else { continue }
            numbers.append((number, value))
        }
        return numbers
    }

    private static func tokenIDs(
        _ fields: RequestFields,
        _ name: String
    ) throws(APIError) -> [Int]? {
        guard let elements = try fields.array(name) else { return nil }
        return try RequestFields.tokenIDs(elements, name)
    }

    private static func logitBias(
        _ fields: RequestFields
    ) throws(APIError) -> [(token: Int, bias: Double)] {
        guard let biases = try fields.object("logit_bias") else { return [] }
        var result: [(token: Int, bias: Double)] = []
        for (key, value) in biases.object.members {
            guard let token = Int(key), token >= 0 else {
                throw .invalid(
                    "logit_bias",
                    "Invalid key in 'logit_bias': \(key.prefix(40)). Keys are token ids."
                )
            }
            let bias = try RequestFields.number(value, biases.name(key), in: -100...100)
            result.append((token: token, bias: bias))
        }
        return result
    }

    private static func stop(_ fields: RequestFields) throws(APIError) -> [String] {
        if let text = fields["stop"]?.string {
            guard !text.utf8.isEmpty else { return [] }
            return [text]
        }
        return try texts(fields, "stop", atMost: 4)
    }

    /// A list of texts that are sought in the answer.
    private static func texts(
        _ fields: RequestFields,
        _ name: String,
        atMost count: Int
    ) throws(APIError) -> [String] {
        guard let value = fields[name] else { return [] }
        guard let elements = value.array else {
            let expected =
                name == "stop" ? "a string or an array of strings" : "an array of strings"
            throw .wrongType(name, expected: expected, got: value)
        }
        guard elements.count <= count else {
            throw .invalid(
                name,
                "Invalid '\(name)': at most \(count) texts are allowed, but got \(elements.count).",
                code: "array_above_max_length"
            )
        }
        var texts: [String] = []
        for (index, element) in elements.enumerated() {
            let param = "\(name)[\(index)]"
            guard let text = element.string else {
                throw .wrongType(param, expected: "a string", got: element)
            }
            guard !text.utf8.isEmpty else {
                throw .invalid(param, "Invalid '\(param)': it is empty.")
            }
            texts.append(text)
        }
        return texts
    }

    /// Each choice compares its last tokens with all of them.
    private static func badWords(_ fields: RequestFields) throws(APIError) -> [String] {
        let words = try texts(fields, "bad_words", atMost: 64)
        guard words.allSatisfy({ $0.utf8.count <= 4096 }) else {
            throw .invalid("bad_words", "Invalid 'bad_words': at most 4096 bytes each are allowed.")
        }
        return words
    }

    private static func includeUsage(
        _ fields: RequestFields,
        stream: Bool
    ) throws(APIError) -> Bool {
        guard let options = try fields.object("stream_options") else { return false }
        guard stream else {
            throw .invalid(
                "stream_options",
                "'stream_options' is only allowed when 'stream' is true."
            )
        }
        _ = try options.bool("include_obfuscation")
        return try options.bool("include_usage") ?? false
    }

    /// Fields without effect here are still checked: a wrong value is an error everywhere.
    private static func checkAccepted(_ fields: RequestFields) throws(APIError) {
        for field in ["user", "safety_identifier"] { _ = try fields.string(field) }
        try fields.check("prompt_cache_retention", among: ["in_memory", "in-memory", "24h"])
        if let adapter = fields["adapter"] ?? fields["adapter_id"] {
            let name = fields["adapter"] != nil ? "adapter" : "adapter_id"
            throw .unsupported(
                name,
                "name the adapter in 'model' (\(adapter.serialized.prefix(60))), or mix several "
                    + "with 'lora'"
            )
        }
    }
}
