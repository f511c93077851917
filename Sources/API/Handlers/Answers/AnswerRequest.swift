import InferenceRuntime

/// A request for answers, decoded from the words of whichever protocol it came in: tokens to go on
/// from, how, and who writes the answer.
struct AnswerRequest: Sendable {
    /// What all protocols share.
    let fields: GenerationFields
    /// The prompts' token ids.
    let prompts: [[Int32]]
    /// The request field the prompts came from, for errors.
    let param: String
    /// How tokens are chosen.
    let sampling: SamplingParameters
    /// Choices per prompt; more than `fields.count` where the best of them are shown.
    let choices: Int
    /// At most so many tokens per choice; `nil`: what the context leaves.
    var maxTokens: Int?
    /// Alternatives per token of the prompts; `nil`: no log-probabilities of prompts.
    let promptLogprobs: Int?
    /// Whether the prompts' final hidden states are wanted.
    var embedsPrompts = false
    /// The request in another form, where the adapters that answer call for one; `nil` keeps it.
    var suited: (@Sendable (AdapterMix) throws(APIError) -> AnswerRequest?)?
    /// Tokens that end an answer, those the request names included.
    let stopTokens: Set<Int32>
    /// How tokens become text.
    let text: Text
    /// Begins the answer's id, such as `chatcmpl-`.
    var idPrefix: String
    /// Makes the writer of the answer.
    var writer: @Sendable (AnswerHead) -> any AnswerWriter

    /// What the answers are held to.
    var constraint: AnswerConstraint?
    /// How a chat's answers are taken apart; `nil` for text that stays whole.
    var parts: AnswerParts?
    /// Further fields of the response's head.
    var headers: HTTPHeaders = [:]
    /// Whether the answer has timings, however little the request asks for them.
    var isTimed = false
    /// Keeps the whole answer, also of a stream, before its end is told; `nil`: it is not kept.
    var keep: (@Sendable (_ document: [UInt8]) async throws -> Void)?

    /// How the tokens of a choice become text.
    struct Text: Sendable {
        /// Whether the token that ends an answer counts among its tokens, as `/v1/completions` has
        /// it where log-probabilities are asked for.
        var showsEnd = false
        /// Whether special tokens stay out of the text.
        var skipsSpecialTokens = true
        /// Whether answers go on the text of their prompts, and do not begin one.
        var continuesPrompts = false
        /// Unicode scalars of each prompt that is echoed; empty without echo.
        var echoed: [Int] = []
        /// Special tokens that are part of the text: they mark thoughts and tool calls.
        var shown: Set<Int32> = []
    }
}
