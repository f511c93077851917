extension [UInt8] {
    /// The text with every occurrence of `old`, or the first few, replaced.
    func replacing(_ old: [UInt8], with new: [UInt8], atMost limit: Int = .max) -> [UInt8] {
        guard let first = old.first, count >= old.count else { return self }
        var output: [UInt8] = []
        output.reserveCapacity(count)
        var index = 0
        var replaced = 0
        while index < count {
            if self[index] == first, replaced < limit, self[index...].starts(with: old) {
                output += new
                index += old.count
                replaced += 1
            } else {
                output.append(self[index])
                index += 1
            }
        }
        return output
    }

    /// The text with every match of a pattern replaced.
    func replacing(_ pattern: TokenPattern, with new: [UInt8]) -> [UInt8] {
        var text = NormalizedText(bytes: self, beginsInput: false)
        text.replace(pattern, with: new)
        return text.bytes
    }

    /// English punctuation drawn to the word before it, as BERT's decoder does.
    var cleanedUp: [UInt8] {
        let rules: [(old: StaticString, new: StaticString)] = [
            (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
            (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
        ]
        return rules.reduce(self) { text, rule in
            text.replacing(Array("\(rule.old)".utf8), with: Array("\(rule.new)".utf8))
        }
    }
}
