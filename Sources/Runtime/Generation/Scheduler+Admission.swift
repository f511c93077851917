extension Scheduler {
    /// Lets waiting sequences run while there are places and blocks.
    ///
    /// A sequence whose turn has come and that does not fit holds up those behind it: if short prompts
    /// could overtake, a long one might never run.
    mutating func admit() {
        while let lane = queue.next, let id = queue.lanes[lane].queue.first {
            while running.count >= limits.maxBatch || !reserve(id) {
                guard let victim = victimForFairness(to: lane) else { return }
                preempt(victim)
            }
            _ = queue.start(lane)
            slots[id.slot].phase = .reading
            slots[id.slot].admission = nextAdmission()
            running.append(id)
            changes += 1
            queue.expect(lane, tokens: slots[id.slot].unpaid)
        }
    }

    /// Gives a waiting sequence blocks for all it has to read: those of a known prefix, and new
    /// ones.
    ///
    /// All or nothing.
    private mutating func reserve(_ id: SequenceID) -> Bool {
        let slot = id.slot
        let root = slots[slot].root
        let total = slots[slot].tokens.count
        let isScoring = slots[slot].scored < slots[slot].promptCount - 1
        let tokens = slots[slot].tokens
        var cursor = root
        cache.match(
            tokens,
            limit: isScoring ? slots[slot].scored : total - 1,
            cursor: &cursor,
            table: &slots[slot].table
        )
        let found = slots[slot].table.count
        let missing = KVBlockAllocator.blocks(for: total) - found
        // Every running sequence may want one more block before one ends.
        guard missing + (running.isEmpty ? 0 : running.count) <= cache.availableCount else {
            cache.release(&slots[slot].table)
            return false
        }
        slots[slot].cursor = cursor
        let limit = slots[slot].limit
        slots[slot].tokens.reserveCapacity(limit)
        slots[slot].table.reserveCapacity(KVBlockAllocator.blocks(for: limit))
        for _ in 0..<missing {
            if let block = cache.allocate() { slots[slot].table.append(block) }
        }
        slots[slot].computed = found * KVBlockPool.blockTokens
        if slots[slot].admission == 0 { slots[slot].cachedTokens = slots[slot].computed }
        slots[slot].charged = max(slots[slot].charged, slots[slot].computed)
        return true
    }

    /// Preempts a running sequence: it gives up place and blocks and waits at the head of its lane.
    ///
    /// Its full blocks stay in the prefix cache while there is room, so that it seldom has to read from
    /// the beginning again.
    mutating func preempt(_ id: SequenceID) {
        preemptions += 1
        changes += 1
        slots[id.slot].drafted = 0
        leave(id)
        park(id)
        queue.stop(slots[id.slot].lane)
    }

    /// Takes a sequence off those that run; its place in the queue's count is the caller's.
    mutating func leave(_ id: SequenceID) {
        running.removeAll { $0 == id }
        guard slots[id.slot].phase == .reading else { return }
        queue.expect(slots[id.slot].lane, tokens: -slots[id.slot].unpaid)
    }

    /// Puts a sequence to the head of its lane.
    mutating func park(_ id: SequenceID) {
        cache.release(&slots[id.slot].table)
        slots[id.slot].cursor = slots[id.slot].root
        slots[id.slot].computed = 0
        slots[id.slot].phase = .waiting
        queue.enqueue(id, lane: slots[id.slot].lane, first: true)
    }

    /// The sequence to preempt when there are no blocks: the youngest of the tenant that used most.
    ///
    /// The oldest sequence of the tenant that used least keeps its blocks, so that it always ends.
    func victimForBlocks() -> SequenceID? {
        guard running.count > 1 else { return nil }
        var victim: SequenceID?
        for id in running where victim.map({ isWorse(id, than: $0) }) ?? true { victim = id }
        return victim
    }

    /// The sequence to preempt for the lane whose turn it is: one in the background where the lane is
    /// not; else the youngest of another tenant, or of
    /// another lane of the same tenant, that holds at least two places more than the lane and is at
    /// least `preemptionLead` tokens ahead of it.
    private func victimForFairness(to lane: FairQueue.LaneID) -> SequenceID? {
        var victim: SequenceID?
        for id in running where isUnfair(id, to: lane) {
            if victim.map({ isWorse(id, than: $0) }) ?? true { victim = id }
        }
        return victim
    }

    private func isUnfair(_ id: SequenceID, to lane: FairQueue.LaneID) -> Bool {
        let isBelow = queue.isBackground(slots[id.slot].lane)
        guard isBelow == queue.isBackground(lane) else { return isBelow }
        let (mine, theirs) = (queue.lanes[slots[id.slot].lane], queue.lanes[lane])
        let isSameTenant = mine.tenant == theirs.tenant
        let has = isSameTenant ? mine.share : queue.tenants[mine.tenant]
        let lacks = isSameTenant ? theirs.share : queue.tenants[theirs.tenant]
        // It may have to read again what it has read so far, so its lead must be worth that.
        let lead = max(limits.preemptionLead, slots[id.slot].computed)
        return has.running > lacks.running + 1 && has.counter - lacks.counter >= lead
    }

    private func isWorse(_ left: SequenceID, than right: SequenceID) -> Bool {
        let isBelow = queue.isBackground(slots[left.slot].lane)
        guard isBelow == queue.isBackground(slots[right.slot].lane) else { return isBelow }
        let used = queue.used(byTenantOf: slots[left.slot].lane)
        let other = queue.used(byTenantOf: slots[right.slot].lane)
        return used != other
            ? used > other : slots[left.slot].admission > slots[right.slot].admission
    }
}
