/// A hash table of numbers that stand for values stored elsewhere.
struct InternTable {
    private struct Slot {
        var hash: UInt32
        var id: Int32
    }

    private var slots = [Slot](repeating: Slot(hash: 0, id: -1), count: 256)
    private var count = 0

    /// The number whose value has this hash and for which `isSame` holds.
    @inline(__always)
    func find(hash: UInt32, _ isSame: (Int32) -> Bool) -> Int32? {
        let mask = slots.count - 1
        var index = Int(hash) & mask
        while slots[index].id >= 0 {
            if slots[index].hash == hash, isSame(slots[index].id) { return slots[index].id }
            index = (index + 1) & mask
        }
        return nil
    }

    /// Adds a number that is not in the table.
    mutating func insert(_ id: Int32, hash: UInt32) {
        if count * 2 >= slots.count { grow() }
        place(Slot(hash: hash, id: id))
        count += 1
    }

    private mutating func place(_ slot: Slot) {
        let mask = slots.count - 1
        var index = Int(slot.hash) & mask
        while slots[index].id >= 0 { index = (index + 1) & mask }
        slots[index] = slot
    }

    private mutating func grow() {
        let old = slots
        slots = [Slot](repeating: Slot(hash: 0, id: -1), count: old.count * 2)
        for slot in old where slot.id >= 0 { place(slot) }
    }
}
