/// ROUGE (Lin 2004) of one answer against one reference, as F1 over words.
///
/// A word is a run of letters and digits; every other character that is not white space counts
/// alone, and so does every ideograph, kana and hangul syllable: there is no word segmentation.
public struct ROUGE: Sendable, Hashable {
    /// Unigrams.
    public let rouge1: Double
    /// Bigrams.
    public let rouge2: Double
    /// Longest common subsequence.
    public let rougeL: Double

    /// The three scores, 0…1.
    public init(_ answer: String, reference: String) {
        let answer = Self.words(answer)
        let reference = Self.words(reference)
        func f1(_ order: Int) -> Double {
            let (left, right) = (NGrams(answer, order), NGrams(reference, order))
            return Self.f1(left.matches(right), left.total, right.total)
        }
        rouge1 = f1(1)
        rouge2 = f1(2)
        rougeL = Self.f1(
            Self.longestCommonSubsequence(answer, reference),
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

    private static func longestCommonSubsequence(_ left: [[UInt8]], _ right: [[UInt8]]) -> Int {
        var row = [Int](repeating: 0, count: right.count + 1)
        for word in left {
            var diagonal = 0
            for (index, other) in right.enumerated() {
                let above = row[index + 1]
                row[index + 1] = word == other ? diagonal + 1 : max(above, row[index])
                diagonal = above
            }
        }
        return row[right.count]
    }

    static func words(_ text: String) -> [[UInt8]] {
        var words: [[UInt8]] = []
        var word: [UInt8] = []
        for scalar in text.lowercased().unicodeScalars {
            let isPart = scalar.properties.isAlphabetic || scalar.properties.numericType != nil
            let joins = isPart && !isWrittenWithoutSpaces(scalar)
            if joins { word.append(contentsOf: Array(String(scalar).utf8)) }
            if !joins, !word.isEmpty {
                words.append(word)
                word = []
            }
            if !joins, !scalar.properties.isWhitespace { words.append(Array(String(scalar).utf8)) }
        }
        return word.isEmpty ? words : words + [word]
    }

    private static func isWrittenWithoutSpaces(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x3040...0x30FF, 0x3400...0x9FFF, 0xAC00...0xD7AF, 0xF900...0xFAFF,
            0x20000...0x3FFFF:
            true
        default: false
        }
    }
}
