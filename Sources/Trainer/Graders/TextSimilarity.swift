import Foundation

/// How alike two texts are, from 0 to 1, by the metrics of OpenAI's `text_similarity` grader.
public enum TextSimilarity: String, Sendable, CaseIterable {
    /// Twice the longest common subsequence of characters by both lengths (rapidfuzz's `ratio`).
    case fuzzyMatch = "fuzzy_match"
    /// Sentence BLEU-4 over words, smoothed for orders without a match (Chen and Cherry 2014, method 3),
    /// of the orders the answer has.
    case bleu
    /// Sentence GLEU over words (Wu and others 2016): matches of one to four words by the longer text's.
    case gleu
    /// F1 of runs of so many words (Lin 2004).
    case rouge1 = "rouge_1"
    case rouge2 = "rouge_2"
    case rouge3 = "rouge_3"
    case rouge4 = "rouge_4"
    case rouge5 = "rouge_5"
    /// F1 of the longest common subsequence of words.
    case rougeL = "rouge_l"

    /// Beyond this many words or characters texts are cut: subsequences take the product of both lengths.
    static let longest = 4096

    /// How alike an answer is to its reference.
    public func score(_ answer: String, reference: String) -> Double {
        switch self {
        case .fuzzyMatch:
            let (a, b) = (
                Array(answer.unicodeScalars.prefix(Self.longest)),
                Array(reference.unicodeScalars.prefix(Self.longest))
            )
            guard !(a.isEmpty && b.isEmpty) else { return 1 }
            return 2 * Double(CommonSubsequence.length(a, b)) / Double(a.count + b.count)
        case .bleu: return Self.bleu(Self.words(answer), Self.words(reference))
        case .gleu: return Self.gleu(Self.words(answer), Self.words(reference))
        case .rouge1: return Self.rouge(answer, reference, 1)
        case .rouge2: return Self.rouge(answer, reference, 2)
        case .rouge3: return Self.rouge(answer, reference, 3)
        case .rouge4: return Self.rouge(answer, reference, 4)
        case .rouge5: return Self.rouge(answer, reference, 5)
        case .rougeL:
            let (a, b) = (Self.words(answer), Self.words(reference))
            return Self.f1(CommonSubsequence.length(a, b), a.count, b.count)
        }
    }

    /// Runs of letters and digits, in lower case.
    private static func words(_ text: String) -> [String] {
        text.lowercased().split { !($0.isLetter || $0.isNumber) }.prefix(longest).map(String.init)
    }

    private static func matches(_ a: [String], _ b: [String], _ order: Int) -> Int {
        NGrams(a, order).matches(NGrams(b, order))
    }

    private static func possible(_ words: [String], _ order: Int) -> Int {
        max(0, words.count - order + 1)
    }

    private static func f1(_ matched: Int, _ answer: Int, _ reference: Int) -> Double {
        guard matched > 0 else { return 0 }
        return 2 * Double(matched) / Double(answer + reference)
    }

    private static func rouge(_ answer: String, _ reference: String, _ order: Int) -> Double {
        let (a, b) = (words(answer), words(reference))
        return f1(matches(a, b, order), possible(a, order), possible(b, order))
    }

    private static func bleu(_ answer: [String], _ reference: [String]) -> Double {
        guard matches(answer, reference, 1) > 0 else { return 0 }
        let orders = min(4, answer.count)
        var (logarithms, halved) = (0.0, 1.0)
        for order in 1...orders {
            let total = Double(possible(answer, order))
            let matched = matches(answer, reference, order)
            if matched == 0 { halved *= 2 }
            logarithms += log(matched > 0 ? Double(matched) / total : 1 / (halved * total))
        }
        let brevity = Double(reference.count) / Double(answer.count)
        return exp(logarithms / Double(orders)) * (brevity > 1 ? exp(1 - brevity) : 1)
    }

    private static func gleu(_ answer: [String], _ reference: [String]) -> Double {
        var (matched, ours, theirs) = (0, 0, 0)
        for order in 1...4 {
            matched += matches(answer, reference, order)
            ours += possible(answer, order)
            theirs += possible(reference, order)
        }
        return max(ours, theirs) > 0 ? Double(matched) / Double(max(ours, theirs)) : 0
    }
}
