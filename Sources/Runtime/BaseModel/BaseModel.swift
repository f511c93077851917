/// A base model apart from its weights: what it is called, and how it reads and ends texts.
///
/// Serving, training and the command line hold this one value.
public struct BaseModel: Sendable {
    /// What requests call it.
    public let name: String
    /// The folder it was loaded from.
    public let folder: String
    /// Its hub id or its folder, where other tools find it by adapters' configurations.
    public let origin: String
    /// Conversations and texts to tokens.
    public var encoder: ConversationEncoder
    /// What fills the fields a request leaves out, and the tokens that end an answer.
    public let defaults: GenerationDefaults
    /// Equal where tokenizer and templates are; `nil` where that is not known.
    ///
    /// What was encoded before is then as it would be now.
    public let encodingIdentity: String?

    /// Names the parts.
    public init(
        name: String,
        folder: String,
        origin: String? = nil,
        encoder: ConversationEncoder,
        defaults: GenerationDefaults,
        encodingIdentity: String? = nil
    ) {
        self.name = name
        self.folder = folder
        self.origin = origin ?? folder
        self.encoder = encoder
        self.defaults = defaults
        self.encodingIdentity = encodingIdentity
    }

    /// The token that ends a text without a template.
    public var endOfText: Int32? { encoder.tokenizer.eosID ?? defaults.stopTokens.min() }
}
