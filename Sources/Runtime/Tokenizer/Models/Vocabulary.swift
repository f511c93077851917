/// Tokens as bytes, both ways: a token's id by its bytes, and its bytes by its id.
///
/// Tokens are compared byte by byte; Swift's `String` would join canonically equivalent ones.
final class Vocabulary: Sendable {
    /// The text of all tokens, one after another.
    private let arena: FixedTable<UInt8>
    private let entries: FixedTable<Entry>
    /// The entry of each id; -1 where no token has it.
    private let entryOfID: FixedTable<Int32>
    /// Open addressing; a slot holds 32 bits of the hash and the entry, or -1 where it is empty.
    private let slots: FixedTable<Slot>
    private let mask: Int
    /// The number of different tokens.
    let count: Int
    /// The length in bytes of the longest token.
    let longest: Int

    private struct Entry: BitwiseCopyable {
        var start: Int32
        var length: Int32
        var id: Int32
    }

    private struct Slot: BitwiseCopyable {
        var hash: UInt32
        var entry: Int32
    }

    /// One more than the highest id.
    var idLimit: Int { entryOfID.count }

    /// The most ids a file may ask room for; the largest vocabularies have some 300,000.
    static let maximumID = 1 << 24

    /// Builds the tables; where a token is given twice, the later id counts.
    init(_ tokens: [(text: String, id: Int)], field: String) throws(TokenizerError) {
        let (limit, bytes) = try Self.measure(tokens, field: field)
        arena = FixedTable(repeating: 0, count: bytes)
        entries = FixedTable(repeating: Entry(start: 0, length: 0, id: -1), count: tokens.count)
        entryOfID = FixedTable(repeating: -1, count: limit)
        let size = ByteHash.tableSize(for: tokens.count)
        slots = FixedTable(repeating: Slot(hash: 0, entry: -1), count: size)
        mask = size - 1
        var position = 0
        var distinct = 0
        var longest = 0
        for (index, token) in tokens.enumerated() {
            let start = position
            for byte in token.text.utf8 {
                arena.base[position] = byte
                position += 1
            }
            let length = position - start
            longest = max(longest, length)
            entries.base[index] = Entry(
                start: Int32(start),
                length: Int32(length),
                id: Int32(token.id)
            )
            entryOfID.base[token.id] = Int32(index)
            let text = UnsafeBufferPointer(start: arena.base + start, count: length)
            let hash = ByteHash.hash(text)
            let slot = Self.slot(of: text, hash: hash, arena, entries, slots, mask)
            if slots.base[slot].entry < 0 { distinct += 1 }
            slots.base[slot] = Slot(
                hash: UInt32(truncatingIfNeeded: hash >> 32),
                entry: Int32(index)
            )
        }
        self.count = distinct
        self.longest = longest
    }

    /// One more than the highest id, and the bytes of all tokens together.
    private static func measure(_ tokens: [(text: String, id: Int)], field: String)
        throws(TokenizerError) -> (idLimit: Int, bytes: Int)
    {
        var limit = 0
        var bytes = 0
        for token in tokens {
            guard token.id >= 0, token.id < maximumID else {
                throw .invalid(field: field, reason: "the id \(token.id) is out of range")
            }
            limit = max(limit, token.id + 1)
            bytes += token.text.utf8.count
        }
        guard bytes < Int(Int32.max) else {
            throw .invalid(field: field, reason: "the vocabulary is too large")
        }
        return (limit, bytes)
    }

    /// The id of the token that is exactly these bytes, or -1.
    @inline(__always)
    func id(of text: UnsafeBufferPointer<UInt8>) -> Int32 {
        let hash = ByteHash.hash(text)
        let slot = slots.base[Self.slot(of: text, hash: hash, arena, entries, slots, mask)]
        return slot.entry < 0 ? -1 : entries.base[Int(slot.entry)].id
    }

    /// The id of a token, or `nil`.
    func id(of text: String) -> Int32? {
        var text = text
        let id = text.withUTF8 { self.id(of: $0) }
        return id < 0 ? nil : id
    }

    /// The bytes of a token; `nil` for an id without one.
    func bytes(of id: Int32) -> UnsafeBufferPointer<UInt8>? {
        guard id >= 0, Int(id) < entryOfID.count else { return nil }
        let index = entryOfID.base[Int(id)]
        guard index >= 0 else { return nil }
        let entry = entries.base[Int(index)]
        return UnsafeBufferPointer(start: arena.base + Int(entry.start), count: Int(entry.length))
    }

    /// The text of a token; `nil` for an id without one.
    func text(of id: Int32) -> String? {
        bytes(of: id).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The slot that holds the text, or the empty one where it would go.
    @inline(__always)
    private static func slot(
        of text: UnsafeBufferPointer<UInt8>,
        hash: UInt64,
        _ arena: FixedTable<UInt8>,
        _ entries: FixedTable<Entry>,
        _ slots: FixedTable<Slot>,
        _ mask: Int
    ) -> Int {
        let high = UInt32(truncatingIfNeeded: hash >> 32)
        var index = Int(truncatingIfNeeded: hash) & mask
        while true {
            let slot = slots.base[index]
            if slot.entry < 0 { return index }
            if slot.hash == high {
                let entry = entries.base[Int(slot.entry)]
                if equal(arena.base + Int(entry.start), Int(entry.length), text) { return index }
            }
            index = (index &+ 1) & mask
        }
    }

    @inline(__always)
    private static func equal(
        _ left: UnsafePointer<UInt8>,
        _ count: Int,
        _ right: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        guard count == right.count, let base = right.baseAddress else {
            return count == right.count
        }
        var index = 0
        while index < count {
            if left[index] != base[index] { return false }
            index &+= 1
        }
        return true
    }
}
