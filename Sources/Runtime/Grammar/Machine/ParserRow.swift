/// One set of Earley's parser (1970), by content: what may come next and what then goes on where.
///
/// Rows of equal content are one row, wherever in a text they come up: an item's origin is a row,
/// not a position. So a loop comes back to the rows it began with, and what was found out about a
/// row serves every text that meets it.
struct ParserRow {
    /// Range in `ParserRows.scans`.
    var scans: Range<Int32>
    /// Range in `ParserRows.waits`.
    var waits: Range<Int32>
    /// The lexer's state before the first byte of what comes next; 0 where nothing does.
    var lexer: Int32
    /// Whether the text is complete here.
    var isComplete: Bool
    /// Whether a rule with a check begins here: then `position` is where.
    var beginsCheck: Bool
    var position: Int32
}

/// A place in the grammar and the row where its rule began.
struct ParserItem: Hashable {
    var node: Int32
    var origin: Int32

    @inline(__always)
    var key: UInt64 {
        UInt64(UInt32(bitPattern: node)) << 32 | UInt64(UInt32(bitPattern: origin))
    }

    /// Stands for a complete text.
    static let complete = ParserItem(node: -1, origin: 0)
}

/// What goes on at `target` once `symbol`, a terminal or rule, is there.
struct ParserEdge {
    var symbol: Int32
    var target: Int32
    var origin: Int32
}

/// A set of items that is emptied often and fast.
struct ParserItemSet {
    private var keys = [UInt64](repeating: 0, count: 64)
    private var stamps = [UInt32](repeating: 0, count: 64)
    private var stamp: UInt32 = 0
    private var count = 0

    mutating func removeAll() {
        count = 0
        stamp &+= 1
        if stamp == 0 {
            stamps = [UInt32](repeating: 0, count: stamps.count)
            stamp = 1
        }
    }

    /// Adds an item; `false` if it was there.
    mutating func insert(_ item: ParserItem) -> Bool {
        if count * 2 >= keys.count { grow() }
        return place(item.key)
    }

    private mutating func place(_ key: UInt64) -> Bool {
        let mask = keys.count - 1
        var index = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 40) & mask
        while stamps[index] == stamp {
            if keys[index] == key { return false }
            index = (index + 1) & mask
        }
        keys[index] = key
        stamps[index] = stamp
        count += 1
        return true
    }

    private mutating func grow() {
        let old = zip(keys, stamps).filter { $0.1 == stamp }.map(\.0)
        keys = [UInt64](repeating: 0, count: keys.count * 2)
        stamps = [UInt32](repeating: 0, count: keys.count)
        stamp = 1
        count = 0
        for key in old { _ = place(key) }
    }
}
