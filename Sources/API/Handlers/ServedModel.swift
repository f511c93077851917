public import InferenceRuntime

/// The base model as the API serves it: its names, its words, and who answers.
public struct ServedModel: Sendable {
    /// What the request's `model` calls it.
    public let id: String
    /// Where it was loaded from, for `root`.
    public let root: String
    /// Unix seconds.
    public let created: Int
    /// Hash of the weights and what they mean; part of the fingerprint.
    public let baseHash: String
    /// Text to tokens and back.
    public let tokenizer: Tokenizer
    /// Messages to text; `nil` where the model has no chat template.
    public let templates: ChatTemplateSet?
    /// What fills the fields a request leaves out.
    public let defaults: GenerationDefaults
    /// Numbers of a final hidden state; `nil` where texts cannot be embedded.
    public let hiddenSize: Int?
    /// Answers requests.
    public let generator: any TextGenerator
    /// What answers are held to.
    let grammars: GrammarCache

    /// Names the parts of a served model.
    public init(
        id: String,
        root: String,
        created: Int,
        baseHash: String,
        tokenizer: Tokenizer,
        templates: ChatTemplateSet?,
        defaults: GenerationDefaults,
        hiddenSize: Int? = nil,
        generator: any TextGenerator
    ) {
        self.id = id
        self.root = root
        self.created = created
        self.baseHash = baseHash
        self.tokenizer = tokenizer
        self.templates = templates
        self.defaults = defaults
        self.hiddenSize = hiddenSize
        self.generator = generator
        grammars = GrammarCache(tokenizer, endTokens: defaults.stopTokens)
    }
}
