public import InferenceRuntime

/// What encoding examples asks of a tokenizer.
public protocol ExampleTokenizer: Sendable {
    /// The ids of a text, exactly as serving encodes it.
    func encode(_ text: String, addSpecialTokens: Bool, parseSpecial: Bool) -> [Int32]
    /// The bytes a token stands for.
    func bytes(of id: Int32) -> [UInt8]
    /// A token as the vocabulary spells it.
    func token(of id: Int32) -> String?
    /// The ids of all special tokens.
    var specialIDs: Set<Int32> { get }
}

extension Tokenizer: ExampleTokenizer {}
