/// The tokens a choice has behind it, as the penalties see them.
struct TokenHistory {
    /// One distinct token.
    struct Entry {
        var id: Int32
        var generated: Int32  // times it was generated; 0: only in the prompt
    }

    private(set) var entries: [Entry] = []
    private var places: [Int32: Int] = [:]

    /// A history; the prompt matters to the repetition penalty only.
    init(prompt: [Int32], expecting tokens: Int) {
        entries.reserveCapacity(tokens)
        places.reserveCapacity(tokens)
        for id in prompt { add(id, generated: 0) }
    }

    /// A token has been generated.
    mutating func append(_ id: Int32) {
        add(id, generated: 1)
    }

    private mutating func add(_ id: Int32, generated: Int32) {
        if let place = places[id] {
            entries[place].generated += generated
        } else {
            places[id] = entries.count
            entries.append(Entry(id: id, generated: generated))
        }
    }
}
