/// All added tokens with their ids.
struct AddedVocabulary: Sendable {
    /// The added tokens by id.
    private(set) var tokens: [Int32: AddedToken] = [:]
    private var ids: [[UInt8]: Int32] = [:]
    private var order: [AddedToken] = []
    private var specialContents: Set<[UInt8]> = []

    /// Gives every token its id as the reference implementation does: that of the vocabulary where
    /// the token is in it, else the next free one behind it, whatever the file says.
    init(_ added: [AddedToken], vocabulary: Vocabulary) {
        var highest: Int32?
        for token in added where !token.content.isEmpty {
            if token.isSpecial { specialContents.insert(token.content) }
            let known =
                ids[token.content]
                ?? {
                    let id = token.content.withUnsafeBufferPointer { vocabulary.id(of: $0) }
                    return id < 0 ? nil : id
                }()
            let size = Int32(vocabulary.count)
            let free = highest.map { $0 >= size ? $0 + 1 : size } ?? size
            let id = known ?? free
            if tokens[id] == token { continue }
            ids[token.content] = id
            tokens[id] = token
            highest = max(highest ?? 0, id)
            order.append(token)
        }
    }

    func id(of content: [UInt8]) -> Int32? { ids[content] }

    func isSpecial(_ content: [UInt8]) -> Bool { specialContents.contains(content) }

    /// The ids of special tokens.
    var specialIDs: Set<Int32> { Set(specialContents.compactMap { ids[$0] }) }

    /// The ids outside the model's vocabulary.
    func count(beyond vocabulary: Vocabulary) -> Int {
        tokens.values.count { token in
            token.content.withUnsafeBufferPointer { vocabulary.id(of: $0) } < 0
        }
    }

    /// A matcher for the tokens sought in raw text, or for those sought in normalized text, whose
    /// spelling `normalize` gives.
    func matcher(normalized: Bool, _ normalize: ([UInt8]) -> [UInt8]) -> AddedTokenMatcher {
        var trie = ByteTrie()
        var first = [Bool](repeating: false, count: 256)
        var seen: Set<[UInt8]> = []
        for token in order where token.isNormalized == normalized {
            guard let id = ids[token.content] else { continue }
            let spelling = normalized ? normalize(token.content) : token.content
            guard let byte = spelling.first else { continue }
            first[Int(byte)] = true
            // Of tokens that are one when normalized, the first counts.
            if seen.insert(spelling).inserted { trie.insert(spelling, value: id) }
        }
        var special = Set<Int32>()
        for (id, token) in tokens where isSpecial(token.content) { special.insert(id) }
        return AddedTokenMatcher(trie: trie, first: first, tokens: tokens, special: special)
    }
}
