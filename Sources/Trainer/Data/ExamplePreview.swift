public import InferenceRuntime

/// An example of a file as the model sees it, for people to check what is learned.
public struct ExamplePreview: Sendable, Hashable {
    /// Its place in the file, from 1.
    public let index: Int
    /// The line of the file it begins on.
    public let line: Int
    /// What is learned; of a pair the better answer.
    let learned: ExampleText
    /// The worse answer of a pair.
    let rejected: ExampleText?
    /// Whether an answer with a mark is good.
    let isGood: Bool?

    init(
        index: Int,
        line: Int,
        learned: ExampleText,
        rejected: ExampleText? = nil,
        isGood: Bool? = nil
    ) {
        self.index = index
        self.line = line
        self.learned = learned
        self.rejected = rejected
        self.isGood = isGood
    }

    /// An element of the list that the API answers.
    public var json: JSONValue {
        var json: JSONObject = ["index": JSONValue(index), "line": JSONValue(line)]
        for (key, value) in learned.json.members { json[key] = value }
        json["rejected"] = rejected.map { .object($0.json) }
        json["good"] = isGood.map(JSONValue.bool)
        return .object(json)
    }
}

/// Everything the model reads of one sequence, special tokens included.
struct ExampleText: Sendable, Hashable {
    /// Tokens, after anything was cut.
    let tokens: Int
    /// Tokens that are learned.
    let trainedTokens: Int
    let text: String
    /// The stretches of the text that are learned, in Unicode scalars.
    let trained: [Range<Int>]

    init(_ example: EncodedExample, _ tokenizer: Tokenizer) {
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

    var json: JSONObject {
        [
            "tokens": JSONValue(tokens), "trained_tokens": JSONValue(trainedTokens),
            "text": .string(text),
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
