/// ROUGE (Lin 2004) of one answer against one reference, as LLaMA-Factory counts it: F1 over words,
/// case and all.
///
/// Like rouge_chinese, ROUGE-1 and ROUGE-2 ask which n-grams there are, not how often; ROUGE-L is
/// the longest common subsequence of the whole texts.
public struct ROUGE: Sendable, Hashable {
    /// Unigrams.
    public let rouge1: Double
    /// Bigrams.
    public let rouge2: Double
    /// Longest common subsequence.
    public let rougeL: Double

    /// The three scores, 0…1.
    public init(_ answer: String, reference: String) {
        let answer = WordSplitter.words(answer)
        let reference = WordSplitter.words(reference)
        func f1(_ order: Int) -> Double {
            let left = Set(NGrams(answer, order).counts.keys)
            let right = Set(NGrams(reference, order).counts.keys)
            return Self.f1(left.intersection(right).count, left.count, right.count)
        }
        rouge1 = f1(1)
        rouge2 = f1(2)
        rougeL = Self.f1(
            CommonSubsequence.length(answer, reference),
            answer.count,
            reference.count
        )
    }

    private static func f1(_ matched: Int, _ answer: Int, _ reference: Int) -> Double {
        guard matched > 0 else { return 0 }
        let precision = Double(matched) / Double(answer)
        let recall = Double(matched) / Double(reference)
        return 2 * precision * recall / (precision + recall)
    }
}
