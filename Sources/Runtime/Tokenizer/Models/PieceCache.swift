/// The ids of pre-tokens that were met before in the same text.
///
/// Words repeat; a look here costs a tenth of merging them again. The cache belongs to one call,
/// so it needs no lock, and its size is bounded whatever the text holds.
struct PieceCache {
    private struct Slot {
        var hash: UInt64 = 0
        var textStart: Int32 = 0
        var textLength: Int32 = -1
        var idStart: Int32 = 0
        var idCount: Int32 = 0
    }

    private var slots: [Slot] = []
    private var texts: [UInt8] = []
    private var ids: [Int32] = []
    private var misses = 0

    private static let slotCount = 8192
    /// Longer pre-tokens are rarely met twice.
    private static let longestPiece = 64
    private static let largestArena = 1 << 20
    /// Short texts do without: making the table would cost more than it saves.
    private static let missesBeforeUse = 64

    /// Appends the ids of a piece that is in the cache.
    mutating func append(
        _ piece: UnsafeBufferPointer<UInt8>,
        hash: UInt64,
        to output: inout [Int32]
    )
        -> Bool
    {
        guard !slots.isEmpty, piece.count <= Self.longestPiece else { return false }
        let slot = slots[Int(truncatingIfNeeded: hash) & (Self.slotCount - 1)]
        guard slot.hash == hash, Int(slot.textLength) == piece.count else { return false }
        let start = Int(slot.textStart)
        for index in 0..<piece.count where texts[start &+ index] != piece[index] { return false }
        for index in Int(slot.idStart)..<Int(slot.idStart) + Int(slot.idCount) {
            output.append(ids[index])
        }
        return true
    }

    /// Remembers the ids that a piece became.
    mutating func insert(
        _ piece: UnsafeBufferPointer<UInt8>,
        hash: UInt64,
        ids new: ArraySlice<Int32>
    ) {
        guard piece.count <= Self.longestPiece else { return }
        misses += 1
        guard misses > Self.missesBeforeUse else { return }
        if slots.isEmpty || texts.count > Self.largestArena || ids.count > Self.largestArena {
            slots = Array(repeating: Slot(), count: Self.slotCount)
            texts.removeAll(keepingCapacity: true)
            ids.removeAll(keepingCapacity: true)
        }
        slots[Int(truncatingIfNeeded: hash) & (Self.slotCount - 1)] = Slot(
            hash: hash,
            textStart: Int32(texts.count),
            textLength: Int32(piece.count),
            idStart: Int32(ids.count),
            idCount: Int32(new.count)
        )
        texts.append(contentsOf: piece)
        ids.append(contentsOf: new)
    }
}
