/// SentencePiece's compiled normalization rules: a double-array trie over UTF-8 and the texts that
/// its leaves stand for.
struct PrecompiledCharsmap: Sendable {
    private let trie: [UInt32]
    /// Replacements, each ended by a 0.
    private let texts: [UInt8]
    /// Bytes of the longest replacement.
    let longest: Int

    init(base64: String, field: String) throws(TokenizerError) {
        let bytes = Base64.decode(base64)
        func invalid(_ reason: String) -> TokenizerError {
            .invalid(field: "\(field).precompiled_charsmap", reason: reason)
        }
        guard let bytes, bytes.count >= 4 else { throw invalid("is not base64 of a rule table") }
        let word = { (offset: Int) in
            (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[offset + $1]) << UInt32($1 * 8) }
        }
        let size = Int(word(0))
        guard size % 4 == 0, size <= bytes.count - 4 else { throw invalid("is cut short") }
        trie = stride(from: 4, to: 4 + size, by: 4).map(word)
        texts = Array(bytes[(4 + size)...])
        longest = texts.split(separator: 0).map(\.count).max() ?? 0
    }

    /// Replaces what the rules name.
    ///
    /// A short grapheme cluster is looked up whole, and by its shortest prefix in the table; only
    /// then scalar by scalar. That is how the reference implementation does it.
    func apply(to text: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        for cluster in String(decoding: text, as: UTF8.self) {
            let bytes = Array(cluster.utf8)
            if bytes.count < 6, let new = replacement(of: bytes[...]) {
                output += new
                continue
            }
            for scalar in cluster.unicodeScalars {
                let part = Array(String(scalar).utf8)
                if let new = replacement(of: part[...]) { output += new } else { output += part }
            }
        }
        return output
    }

    /// The text for the shortest prefix that has one.
    private func replacement(of key: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let root = trie.first else { return nil }
        var position = Self.offset(root)
        for byte in key where byte != 0 {
            position ^= Int(byte)
            guard trie.indices.contains(position) else { return nil }
            let unit = trie[position]
            // The label's byte, and a bit that only leaves have.
            guard unit & (1 << 31 | 0xFF) == UInt32(byte) else { return nil }
            position ^= Self.offset(unit)
            guard unit >> 8 & 1 == 1, trie.indices.contains(position) else { continue }
            let start = Int(trie[position] & (1 << 31 - 1))
            guard start <= texts.count else { return nil }
            return texts[start...].prefix { $0 != 0 }
        }
        return nil
    }

    private static func offset(_ unit: UInt32) -> Int {
        Int(unit >> 10) << Int((unit & (1 << 9)) >> 6)
    }
}
