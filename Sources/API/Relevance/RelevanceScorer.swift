import InferenceRuntime

/// Says how well texts go together, from the hidden states of the prompts that it makes of them.
protocol RelevanceScorer: Sendable {
    /// The prompts that are read.
    func prompts() throws(APIError) -> [[Int32]]

    /// The score of each pair, from the prompts' final hidden states.
    func scores(_ states: [[Float]]) -> [Double]

    /// What a ranking shows for a score: it grows with it.
    func relevance(of score: Double) -> Double
}

extension RelevanceScorer {
    /// The score of each pair, once its prompts have been read.
    func scores(_ answers: CollectedAnswers) -> [Double] {
        scores(answers.prompts.map { $0.embedding ?? [] })
    }
}

/// Texts that are compared two by two.
struct TextPairs: Sendable {
    /// A text, and the request field it came from.
    struct Text: Sendable {
        let text: String
        let param: String
    }

    /// The first of each pair, then the second.
    let texts: [Text]
    /// The places of each pair's texts.
    let pairs: [(Int, Int)]

    /// One text beside each of many.
    init(_ first: Text, with others: [Text]) {
        texts = [first] + others
        pairs = others.indices.map { (0, $0 + 1) }
    }

    /// Texts side by side.
    init(_ left: [Text], _ right: [Text]) {
        texts = left + right
        pairs = zip(left.indices, right.indices).map { ($0, left.count + $1) }
    }
}

/// Compares embeddings: the score is the cosine of the angle between them, from -1 to 1.
struct EmbeddingScorer: RelevanceScorer {
    let encoder: PromptEncoder
    let pairs: TextPairs
    /// At most so many tokens of each text; `nil`: all.
    let maximumTokens: Int?

    func prompts() throws(APIError) -> [[Int32]] {
        var prompts: [[Int32]] = []
        for text in pairs.texts {
            let tokens = try encoder.tokens(of: .text(text.text), param: text.param)
            prompts.append(maximumTokens.map { Array(tokens.prefix($0)) } ?? tokens)
        }
        return prompts
    }

    func scores(_ states: [[Float]]) -> [Double] {
        pairs.pairs.map { first, second in
            guard states.indices.contains(first), states.indices.contains(second) else { return 0 }
            return Self.cosine(states[first], states[second])
        }
    }

    func relevance(of score: Double) -> Double { score }

    private static func cosine(_ left: [Float], _ right: [Float]) -> Double {
        var (product, lengths) = (0.0, (0.0, 0.0))
        for (a, b) in zip(left, right) {
            product += Double(a) * Double(b)
            lengths.0 += Double(a) * Double(a)
            lengths.1 += Double(b) * Double(b)
        }
        let length = (lengths.0 * lengths.1).squareRoot()
        return length > 0 ? min(1, max(-1, product / length)) : 0
    }
}
