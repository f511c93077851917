extension Scheduler {
    /// Fills `step` with what is to be computed next; empty when there is nothing.
    package mutating func next(into step: inout Step) {
        step.clear()
        growDecoding()
        admit()
        let isShared = isNextStepShared()
        let decoding = addDecoding(to: &step, withBackground: isShared)
        addReading(
            to: &step,
            budget: decoding > 0 ? limits.mixedChunkTokens : limits.chunkTokens,
            withBackground: isShared
        )
        swap(&step.copies, &pendingCopies)
    }

    /// Beside others, the background has a part in one of so many steps.
    private static var stepsPerSharedStep: Int { 8 }

    /// Whether sequences in the background have a part in the next step.
    private mutating func isNextStepShared() -> Bool {
        guard running.contains(where: { !isBackground($0) }) else { return true }
        unsharedSteps = (unsharedSteps + 1) % Self.stepsPerSharedStep
        return unsharedSteps == 0
    }

    private func isBackground(_ id: SequenceID) -> Bool {
        queue.isBackground(slots[id.slot].lane)
    }

    /// Gives every decoding sequence the block that its next row writes to, the one running
    /// longest first, taking blocks from others where there is none left.
    private mutating func growDecoding() {
        var place = 0
        while place < running.count {
            let id = running[place]
            guard slots[id.slot].phase == .decoding, needsBlock(id) else {
                place += 1
                continue
            }
            if let block = cache.allocate() {
                slots[id.slot].table.append(block)
                place += 1
            } else if let victim = victimForBlocks() {
                // The victim may stand before this place, or be this very sequence.
                if let index = running.firstIndex(of: victim), index < place { place -= 1 }
                preempt(victim)
            } else {
                preconditionFailure("a sequence that runs alone has all the blocks it can need")
            }
        }
    }

    private func needsBlock(_ id: SequenceID) -> Bool {
        slots[id.slot].table.count * KVBlockPool.blockTokens <= slots[id.slot].computed
    }

    /// One row for each decoding sequence.
    ///
    /// Returns how many.
    private mutating func addDecoding(to step: inout Step, withBackground: Bool) -> Int {
        for id in running where slots[id.slot].phase == .decoding {
            guard withBackground || !isBackground(id) else { continue }
            let position = slots[id.slot].computed
            let drafted = slots[id.slot].drafted
            slots[id.slot].drafted = 0
            step.insert(
                Step.Part(
                    sequence: id,
                    start: position,
                    count: 1 + drafted,
                    logitsFrom: position,
                    mix: slots[id.slot].mix
                )
            )
            charge(id, upTo: position + 1, weight: Self.answerWeight)
        }
        return step.parts.count
    }

    /// Chunks of the prompts being read.
    ///
    /// The one that reads longest has a quarter of the budget for sure; what is left goes to the
    /// tenants that used least, their shortest rest first.
    private mutating func addReading(to step: inout Step, budget: Int, withBackground: Bool) {
        let reading = running.filter {
            slots[$0.slot].phase == .reading && (withBackground || !isBackground($0))
        }
        guard let oldest = reading.first else { return }
        var logits = limits.logitRows - step.logitRows
        var left = budget
        var reserve = budget / 4
        while left > reserve, logits > 0, let id = nextReading(of: reading, besides: step.parts) {
            if id == oldest { reserve = 0 }
            left -= addChunk(of: id, to: &step, budget: left - reserve, logits: &logits)
        }
        if reserve > 0, logits > 0 {
            // Its turn did not come.
            _ = addChunk(of: oldest, to: &step, budget: left, logits: &logits)
        }
    }

    /// As much of a prompt as the budgets allow.
    ///
    /// Returns the number of rows.
    private mutating func addChunk(
        of id: SequenceID,
        to step: inout Step,
        budget: Int,
        logits: inout Int
    ) -> Int {
        let start = slots[id.slot].computed
        var end = min(slots[id.slot].tokens.count, start + budget)
        let from = slots[id.slot].logitsFrom(start, end)
        if end - from > logits { end = from + logits }
        let part = Step.Part(
            sequence: id,
            start: start,
            count: end - start,
            // Cutting the end off may have cut off the row that gives the answer's first token.
            logitsFrom: slots[id.slot].logitsFrom(start, end),
            mix: slots[id.slot].mix
        )
        logits -= part.logitRows
        step.insert(part)
        queue.expect(slots[id.slot].lane, tokens: -charge(id, upTo: end, weight: 1))
        return part.count
    }

    /// The reading sequence whose turn it is, of those that have no part yet.
    private func nextReading(
        of reading: [SequenceID],
        besides parts: [Step.Part]
    ) -> SequenceID? {
        var best: SequenceID?
        for id in reading {
            guard !parts.contains(where: { $0.sequence == id }) else { continue }
            if best.map({ isBefore(id, $0) }) ?? true { best = id }
        }
        return best
    }

    private func isBefore(_ left: SequenceID, _ right: SequenceID) -> Bool {
        guard isBackground(left) == isBackground(right) else { return isBackground(right) }
        let used = queue.used(byTenantOf: slots[left.slot].lane)
        let other = queue.used(byTenantOf: slots[right.slot].lane)
        if used != other { return used < other }
        let rest = slots[left.slot].tokens.count - slots[left.slot].computed
        let otherRest = slots[right.slot].tokens.count - slots[right.slot].computed
        return rest != otherRest
            ? rest < otherRest : slots[left.slot].admission < slots[right.slot].admission
    }

    /// A token of an answer costs a pass over all weights; one of a prompt shares it.
    private static var answerWeight: Int { 2 }

    /// Charges the tokens of a sequence up to a position, each once however often it is computed.
    ///
    /// Returns how many.
    @discardableResult
    private mutating func charge(_ id: SequenceID, upTo position: Int, weight: Int) -> Int {
        let tokens = position - slots[id.slot].charged
        guard tokens > 0 else { return 0 }
        queue.charge(slots[id.slot].lane, tokens: tokens * weight)
        slots[id.slot].charged = position
        return tokens
    }
}
