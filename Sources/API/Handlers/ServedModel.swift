public import InferenceRuntime

/// The base model as the API serves it, and who answers.
public struct ServedModel: Sendable {
    /// Its names and its words.
    public let base: BaseModel
    /// Hash of the weights and what they mean; part of the fingerprint.
    public let hash: String
    /// Unix seconds.
    public let created: Int
    /// Numbers of a final hidden state; `nil` where texts cannot be embedded.
    public let hiddenSize: Int?
    /// Answers requests.
    public let generator: any TextGenerator
    /// What answers are held to.
    let grammars: GrammarCache

    /// Names the parts of a served model.
    public init(
        _ base: BaseModel,
        hash: String,
        created: Int,
        hiddenSize: Int? = nil,
        generator: any TextGenerator
    ) {
        self.base = base
        self.hash = hash
        self.created = created
        self.hiddenSize = hiddenSize
        self.generator = generator
        grammars = GrammarCache(base.encoder.tokenizer, stopTokens: base.defaults.stopTokens)
    }

    /// What the request's `model` calls it.
    var id: String { base.name }
    /// Text to tokens and back.
    var tokenizer: Tokenizer { base.encoder.tokenizer }
    /// What fills the fields a request leaves out.
    var defaults: GenerationDefaults { base.defaults }
}
