import Foundation

/// BLEU-4 of one answer against one reference, as LLaMA-Factory counts it.
///
/// Over characters, smoothed by NLTK's method 3 (NIST geometric sequence); Papineni and others,
/// 2002.
public enum BLEU {
    /// 0…1.
    public static func score(_ answer: String, reference: String) -> Double {
        let answer = Array(answer.unicodeScalars)
        let reference = Array(reference.unicodeScalars)
        guard !answer.isEmpty else { return 0 }
        var logarithms = 0.0
        var halvings = 1.0
        for order in 1...4 {
            let possible = max(1, answer.count - order + 1)
            let matched = NGrams(answer, order).matches(NGrams(reference, order))
            if order == 1, matched == 0 { return 0 }
            var precision = Double(matched) / Double(possible)
            if matched == 0 {
                precision = 1 / (pow(2, halvings) * Double(possible))
                halvings += 1
            }
            logarithms += log(precision) / 4
        }
        let lengths = Double(reference.count) / Double(answer.count)
        return exp(logarithms) * (lengths > 1 ? exp(1 - lengths) : 1)
    }
}

/// How often each run of `order` elements occurs.
struct NGrams<Element: Hashable> {
    private(set) var counts: [[Element]: Int] = [:]

    init(_ elements: [Element], _ order: Int) {
        guard elements.count >= order else { return }
        for start in 0...elements.count - order {
            counts[Array(elements[start..<start + order]), default: 0] += 1
        }
    }

    /// How many also occur in `other`, each at most as often as there.
    func matches(_ other: NGrams) -> Int {
        counts.reduce(0) { $0 + min($1.value, other.counts[$1.key] ?? 0) }
    }
}
