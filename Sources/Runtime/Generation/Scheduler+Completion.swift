extension Scheduler {
    /// What a finished part means for its sequence.
    package enum Advance: Hashable {
        /// More is to be read.
        case reading
        /// The last row's logits are to be drawn from.
        case draw
        /// The prompt has been read, and nothing is to be drawn.
        case done
    }

    /// A part has been computed.
    package mutating func advance(_ part: Step.Part) -> Advance {
        let slot = part.sequence.slot
        slots[slot].computed = part.end
        if slots[slot].scored < part.end { slots[slot].scored = part.end }
        let tokens = slots[slot].tokens
        var cursor = slots[slot].cursor
        cache.enter(tokens, computed: part.end, cursor: &cursor, table: &slots[slot].table)
        slots[slot].cursor = cursor
        guard part.end == slots[slot].tokens.count else { return .reading }
        return slots[slot].draws ? .draw : .done
    }

    /// A token has been drawn for a sequence.
    ///
    /// Gives the reason if it was the last one, in which case the sequence has ended.
    package mutating func accept(_ id: SequenceID, _ token: Int32) -> FinishReason? {
        let slot = id.slot
        slots[slot].tokens.append(token)
        // A choice that found no place at its fork waits, with its first token drawn already.
        if slots[slot].phase == .reading { slots[slot].phase = .decoding }
        let reason: FinishReason? =
            if slots[slot].stopTokens.contains(token) {
                .stop
            } else if slots[slot].tokens.count >= slots[slot].limit {
                .length
            } else {
                nil
            }
        if reason != nil { end(id) }
        return reason
    }

    /// Splits a sequence whose prompt has been read into one per choice, before the first tokens
    /// are accepted.
    ///
    /// The sequence itself becomes the first; the others share its full blocks and get a copy of
    /// the last, which they are about to write to. A choice that finds no place or block waits and
    /// reads the prompt again.
    package mutating func fork(_ id: SequenceID, choices: [Int]) -> [SequenceID] {
        guard let first = choices.first else { return [] }
        slots[id.slot].choice = first
        return [id] + choices.dropFirst().map { fork(id, choice: $0) }
    }

    private mutating func fork(_ id: SequenceID, choice: Int) -> SequenceID {
        var sequence = slots[id.slot]
        sequence.choice = choice
        sequence.table = []
        sequence.phase = .ended
        let fork = insert(sequence)
        requests[sequence.request]?.sequences.append(fork)
        if running.count < limits.maxBatch, shareBlocks(of: id, with: fork) {
            slots[fork.slot].phase = .decoding
            slots[fork.slot].admission = nextAdmission()
            queue.startBeside(sequence.lane)
            running.append(fork)
        } else {
            park(fork)
        }
        return fork
    }

    private mutating func shareBlocks(of id: SequenceID, with fork: SequenceID) -> Bool {
        let (full, rest) = slots[id.slot].computed.quotientAndRemainder(
            dividingBy: KVBlockPool.blockTokens
        )
        var table: [Int32] = []
        table.reserveCapacity(KVBlockAllocator.blocks(for: slots[id.slot].limit))
        if rest > 0 {
            guard let copy = cache.allocate() else { return false }
            pendingCopies.append(Step.Copy(source: slots[id.slot].table[full], target: copy))
            table.append(copy)
        }
        for block in slots[id.slot].table[..<full] { cache.retain(block) }
        table.insert(contentsOf: slots[id.slot].table[..<full], at: 0)
        slots[fork.slot].table = table
        slots[fork.slot].tokens.reserveCapacity(slots[fork.slot].limit)
        return true
    }
}
