/// A tokenizer's pieces as bytes, arranged for walking a grammar over all of them at once.
///
/// Built once per tokenizer and shared. Special tokens and tokens that end an answer have no bytes
/// here: no text spells them.
public final class TokenTrie: Sendable {
    /// The number of bits in a mask: one for each id.
    public let vocabularySize: Int
    /// Tokens that end an answer, allowed where a text is complete.
    public let stopTokens: [Int32]

    /// All tokens.
    let all: TrieNodes
    /// What is left when plain text is known to be allowed, longest reach first.
    let slices: [Slice]
    private let pieces: [UInt8]
    private let pieceStarts: [Int32]

    /// Tokens of plain text of at most so many scalars, as a mask, and all others as a trie.
    struct Slice: Sendable {
        let reach: Int
        let mask: [UInt64]
        let others: TrieNodes
    }

    /// The number of words in a mask.
    public var maskWords: Int { (vocabularySize + 63) / 64 }

    private static let reaches = [Int.max, 24, 12, 6, 3]
    /// The longest token that is walked; longer ones are never allowed.
    static let longestPiece = 1_000

    /// Arranges the tokens of a tokenizer.
    /// - Parameters:
    ///   - vocabularySize: how many logits a row has, if that is more than the tokenizer's tokens.
    ///   - stopTokens: tokens that end an answer.
    ///   - spelled: special tokens that are part of the text all the same, such as those around calls.
    public init(
        _ tokenizer: Tokenizer,
        vocabularySize: Int? = nil,
        stopTokens: Set<Int32>,
        spelled: Set<Int32> = []
    ) {
        let size = max(tokenizer.vocabularySize, vocabularySize ?? 0)
        var pieces: [UInt8] = []
        var starts: [Int32] = [0]
        starts.reserveCapacity(size + 1)
        for id in 0..<Int32(clamping: size) {
            let isText = !tokenizer.isSpecial(id) || spelled.contains(id)
            if isText, !stopTokens.contains(id) {
                let piece = tokenizer.bytes(of: id)
                if piece.count <= Self.longestPiece { pieces += piece }
            }
            starts.append(Int32(clamping: pieces.count))
        }
        self.vocabularySize = size
        self.stopTokens = stopTokens.filter { $0 >= 0 && Int($0) < size }.sorted()
        self.pieces = pieces
        pieceStarts = starts
        let sorted = Self.sorted(pieces, starts)
        all = TrieNodes(sorted, pieces, starts)
        let plainLengths = sorted.map { id in
            PlainText.scalars(pieces[Int(starts[Int(id)])..<Int(starts[Int(id) + 1])])
        }
        slices = Self.reaches.map { reach in
            var mask = [UInt64](repeating: 0, count: (size + 63) / 64)
            var others: [Int32] = []
            for (id, length) in zip(sorted, plainLengths) {
                if let length, length <= reach {
                    mask[Int(id) >> 6] |= 1 << UInt64(id & 63)
                } else {
                    others.append(id)
                }
            }
            return Slice(reach: reach, mask: mask, others: TrieNodes(others, pieces, starts))
        }
    }

    /// The bytes of a token; none for special tokens and ids without one.
    func piece(_ id: Int32) -> ArraySlice<UInt8> {
        guard id >= 0, Int(id) < vocabularySize else { return [] }
        return pieces[Int(pieceStarts[Int(id)])..<Int(pieceStarts[Int(id) + 1])]
    }

    /// Cuts bytes into tokens, the longest first; what is left at the end is left out.
    func longestTokens(of bytes: [UInt8], atMost most: Int) -> [Int32] {
        var tokens: [Int32] = []
        var start = 0
        while start < bytes.count, tokens.count < most {
            guard let (token, length) = all.longest(bytes[start...]) else { break }
            tokens.append(token)
            start += length
        }
        return tokens
    }

    /// The ids that have bytes, in the order of their bytes.
    private static func sorted(_ pieces: [UInt8], _ starts: [Int32]) -> [Int32] {
        var ids = (0..<Int32(clamping: starts.count - 1)).filter {
            starts[Int($0)] < starts[Int($0) + 1]
        }
        pieces.withUnsafeBufferPointer { pieces in
            starts.withUnsafeBufferPointer { starts in
                ids.sort { left, right in
                    var a = Int(starts[Int(left)])
                    var b = Int(starts[Int(right)])
                    let endA = Int(starts[Int(left) + 1])
                    let endB = Int(starts[Int(right) + 1])
                    while a < endA, b < endB {
                        if pieces[a] != pieces[b] { return pieces[a] < pieces[b] }
                        a += 1
                        b += 1
                    }
                    return endA - a == endB - b ? left < right : endA - a < endB - b
                }
            }
        }
        return ids
    }
}

/// Text that JSON writes as it is in a string.
private enum PlainText {
    /// How many scalars a piece has; `nil` where one is not plain or not whole.
    static func scalars(_ piece: ArraySlice<UInt8>) -> Int? {
        guard let text = String(validating: piece, as: UTF8.self) else { return nil }
        var count = 0
        for scalar in text.unicodeScalars {
            let value = scalar.value
            guard value >= 0x20, value != 0x22, value != 0x5C, value != 0x2028, value != 0x2029
            else { return nil }
            count += 1
        }
        return count
    }
}
