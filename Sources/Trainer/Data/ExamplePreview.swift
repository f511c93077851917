public import InferenceRuntime

/// An example of a file as the model sees it, for people to check what is learned.
public struct ExamplePreview: Sendable, Hashable {
    /// Its place in the file, from 1.
    public let index: Int
    /// The line of the file it begins on.
    public let line: Int
    /// Tokens, after anything was cut.
    public let tokens: Int
    /// Tokens that are learned.
    public let trainedTokens: Int
    /// Everything the model reads, special tokens included.
    public let text: String
    /// The stretches of the text that are learned, in Unicode scalars.
    public let trained: [Range<Int>]

    init(_ example: EncodedExample, index: Int, line: Int, _ tokenizer: Tokenizer) {
        self.index = index
        self.line = line
        tokens = example.tokens.count
        trainedTokens = example.trainedTokens
        var (text, trained) = ("", [Range<Int>]())
        var scalars = 0
        for span in example.preview(tokenizer) {
            let end = scalars + span.text.unicodeScalars.count
            text += span.text
            if span.weight > 0 { trained.append(scalars..<end) }
            scalars = end
        }
        self.text = text
        self.trained = trained
    }

    /// An element of the list that the API answers.
    public var json: JSONValue {
        [
            "index": JSONValue(index), "line": JSONValue(line), "tokens": JSONValue(tokens),
            "trained_tokens": JSONValue(trainedTokens), "text": .string(text),
            "trained": .array(
                trained.map { [JSONValue($0.lowerBound), JSONValue($0.upperBound)] }
            ),
        ]
    }
}

/// Some examples of a file, one after the other.
public struct ExamplePage: Sendable, Hashable {
    /// The examples.
    public var examples: [ExamplePreview] = []
    /// Whether the file goes on.
    public var hasMore = false

    /// A page without examples.
    public init() {}
}
