extension Scheduler {
    /// Sequences being answered, if nothing else is computed; 0 where prompts are read or wait.
    package var decodingCount: Int {
        guard queue.waitingCount == 0 else { return 0 }
        for id in running where slots[id.slot].phase != .decoding { return 0 }
        return running.count
    }

    /// Has tokens that are guessed behind a sequence's last one computed in the next step.
    ///
    /// Returns how many of `count` there is room for.
    package mutating func draft(_ id: SequenceID, count: Int) -> Int {
        let slot = id.slot
        // The last token that may be drawn is never computed.
        var count = min(count, slots[slot].limit - slots[slot].tokens.count - 1)
        while count > 0 {
            let room = slots[slot].table.count * KVBlockPool.blockTokens
            if slots[slot].computed + count < room { break }
            guard let block = cache.allocate() else {
                count = room - slots[slot].computed - 1
                break
            }
            slots[slot].table.append(block)
        }
        slots[slot].drafted = max(0, count)
        return max(0, count)
    }

    /// A guessed token was right: it has been computed already.
    package mutating func advanceDrafted(_ id: SequenceID) {
        let position = slots[id.slot].computed
        let part = Step.Part(
            sequence: id,
            start: position,
            count: 1,
            logitsFrom: position,
            mix: slots[id.slot].mix
        )
        _ = advance(part)
    }
}
