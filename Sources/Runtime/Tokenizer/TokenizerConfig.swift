/// What `tokenizer_config.json` adds to `tokenizer.json`.
struct TokenizerConfig: Sendable {
    var bosToken: String?
    var eosToken: String?
    var unkToken: String?
    var padToken: String?
    /// Tokens of `added_tokens_decoder`, in the order of their ids.
    var addedTokens: [AddedToken] = []

    /// An absent configuration.
    init() {}

    /// Reads the fields that matter.
    ///
    /// `add_bos_token` is not among them: what is added to a text is the post-processor's business.
    init(_ json: JSONValue) throws(TokenizerError) {
        bosToken = Self.token(json["bos_token"])
        eosToken = Self.token(json["eos_token"])
        unkToken = Self.token(json["unk_token"])
        padToken = Self.token(json["pad_token"])
        guard let decoder = json["added_tokens_decoder"]?.object else { return }
        var tokens: [(id: Int, token: AddedToken)] = []
        for (key, value) in decoder.members {
            guard let id = Int(key) else { continue }
            let path = "tokenizer_config.json's added_tokens_decoder.\(key)"
            tokens.append((id, try AddedToken(TokenizerSection(value, path: path))))
        }
        addedTokens = tokens.sorted { $0.id < $1.id }.map(\.token)
    }

    /// A token given as a string or as an `AddedToken` object.
    private static func token(_ json: JSONValue?) -> String? {
        json?.string ?? json?["content"]?.string
    }
}
