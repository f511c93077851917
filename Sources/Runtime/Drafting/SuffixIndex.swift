/// Where the last few tokens of a text stood before: what followed there is a guess at what follows now.
///
/// Prompt lookup (Saxena 2023; `ngram` in vLLM, `lookup` in llama.cpp). A table of places by hash, made
/// once: a newer place takes an older one's room, and a place is compared before it is believed.
struct SuffixIndex {
    /// Tokens that must have stood there.
    static let length = 3
    private static let maximumPlaces = 1 << 15

    /// The end of a run of tokens, by its hash; 0 where there is none.
    private var places: [Int32]
    private var indexed = 0

    /// An index of a text that may become so long.
    init(capacity: Int) {
        let wanted = max(16, min(2 * capacity, Self.maximumPlaces))
        var size = 16
        while size < wanted { size *= 2 }
        places = Array(repeating: 0, count: size)
    }

    /// The place behind the last earlier run that is equal to the text's last tokens.
    ///
    /// What has come to the text since the last call is indexed.
    mutating func continuation(of tokens: [Int32]) -> Int? {
        let count = tokens.count
        guard count > Self.length, count <= Int(Int32.max) else { return nil }
        var end = max(indexed + 1, Self.length)
        while end < count {
            places[slot(tokens, end)] = Int32(end)
            end += 1
        }
        indexed = count - 1
        let place = Int(places[slot(tokens, count)])
        guard place >= Self.length else { return nil }
        for back in 1...Self.length where tokens[place - back] != tokens[count - back] {
            return nil
        }
        return place
    }

    private func slot(_ tokens: [Int32], _ end: Int) -> Int {
        var hash: UInt64 = 0
        for back in 1...Self.length {
            hash = (hash ^ UInt64(UInt32(bitPattern: tokens[end - back]))) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 29
        }
        return Int(truncatingIfNeeded: hash) & (places.count - 1)
    }
}
