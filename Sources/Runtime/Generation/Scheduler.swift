/// Decides which rows the model computes next.
///
/// Knows tokens, blocks and turns; computes nothing.
///
/// A step holds one row of every sequence that is being answered and, within a budget, chunks of
/// prompts being read. ``FairQueue`` gives the order, ``PrefixCache`` the blocks of keys and values.
/// When blocks or places run out, a sequence is preempted: it waits and is read again later. Its
/// tokens are kept, so that nothing of it is lost and nothing is delivered twice.
///
/// The caller computes the step, then reports every part with ``advance(_:)`` and the drawn tokens
/// with ``accept(_:_:)``.
package struct Scheduler {
    package let limits: SchedulerLimits
    package internal(set) var cache: PrefixCache
    package internal(set) var preemptions = 0
    /// Grows whenever another set of requests waits or runs.
    package internal(set) var changes = 0

    var queue = FairQueue()
    var mixes = MixTable()
    var slots: [ScheduledSequence] = []
    var freeSlots: [Int] = []
    var running: [SequenceID] = []  // by admission
    var requests: [GenerationID: Request] = [:]
    var pendingCopies: [Step.Copy] = []
    private var lastAdmission = 0
    /// Steps since one was shared with the background.
    var unsharedSteps = 0

    /// One request: its sequences, and the choices that are still to be forked.
    struct Request {
        let adapters: AdapterMix
        let namespace: PrefixTree.Namespace
        var sequences: [SequenceID]
    }

    package init(limits: SchedulerLimits, blocks: Int) {
        precondition(
            limits.contextTokens <= blocks * KVBlockPool.blockTokens,
            "one sequence always fits into the cache"
        )
        precondition(limits.maxBatch > 0 && limits.chunkTokens > 0 && limits.mixedChunkTokens > 0)
        precondition(limits.logitRows >= limits.maxBatch + 1, "every sequence has a row of logits")
        self.limits = limits
        cache = PrefixCache(blocks: blocks)
        running.reserveCapacity(limits.maxBatch)
    }

    /// Sequences being read or answered.
    package var runningCount: Int { running.count }
    /// Sequences that wait.
    package var waitingCount: Int { queue.waitingCount }
    /// Whether there is nothing to do.
    package var isIdle: Bool { running.isEmpty && queue.waitingCount == 0 }

    /// Takes a request.
    ///
    /// Its choices share one sequence until the prompt has been read.
    /// - Parameter cacheVariant: What else decides the numbers in its KV blocks.
    package mutating func submit(
        _ request: GenerationRequest,
        id: GenerationID,
        cacheVariant: [Int]
    ) throws(EngineError) {
        let limit = try Self.tokenLimit(of: request, context: limits.contextTokens)
        let namespace = PrefixTree.Namespace(
            salt: request.cacheSalt,
            adapters: request.adapters,
            variant: cacheVariant
        )
        let mix = mixes.open(request.adapters)
        let lane = queue.lane(
            tenant: request.fairnessKey,
            mix: mix,
            isBackground: request.isBackground
        )
        let root = cache.open(namespace)
        let sequence = insert(
            ScheduledSequence(
                request: id,
                choice: 0,
                tokens: request.prompt,
                promptCount: request.prompt.count,
                limit: limit,
                stopTokens: request.ignoreEOS ? [] : request.stopTokens,
                namespace: namespace,
                mix: mix,
                lane: lane,
                root: root,
                cursor: root,
                scored: request.promptLogprobs != nil ? 0 : request.prompt.count
            )
        )
        slots[sequence.slot].embeds = request.embedsPrompt
        requests[id] = Request(
            adapters: request.adapters,
            namespace: namespace,
            sequences: [sequence]
        )
        queue.enqueue(sequence, lane: lane, first: false)
        changes += 1
    }

    /// How long prompt and answer may become; refuses a prompt that does not fit.
    package static func tokenLimit(
        of request: GenerationRequest,
        context: Int
    ) throws(EngineError) -> Int {
        guard !request.prompt.isEmpty else {
            throw .invalidRequest(parameter: "prompt", message: "The prompt has no tokens.")
        }
        let room = context - request.prompt.count
        // A full context leaves no room for an answer, but it can still be scored.
        guard room > 0 || (room == 0 && request.maxTokens == 0) else {
            throw .contextLengthExceeded(promptTokens: request.prompt.count, limit: context)
        }
        return request.prompt.count + min(room, max(0, request.maxTokens ?? room))
    }

    /// Ends a request, wherever it is.
    package mutating func cancel(_ request: GenerationID) {
        guard let state = requests[request] else { return }
        for sequence in state.sequences { end(sequence) }
    }

    /// Ends one sequence; with its last one a request is gone.
    package mutating func end(_ id: SequenceID) {
        guard isLive(id) else { return }
        let lane = slots[id.slot].lane
        switch slots[id.slot].phase {
        case .waiting: queue.remove(id, lane: lane)
        case .reading, .decoding:
            leave(id)
            queue.stop(lane)
        case .ended: return
        }
        cache.release(&slots[id.slot].table)
        slots[id.slot].phase = .ended
        slots[id.slot].tokens = []
        slots[id.slot].generation += 1
        freeSlots.append(id.slot)
        close(slots[id.slot].request, without: id)
    }

    private mutating func close(_ request: GenerationID, without id: SequenceID) {
        requests[request]?.sequences.removeAll { $0 == id }
        changes += 1
        guard let state = requests[request], state.sequences.isEmpty else { return }
        requests[request] = nil
        mixes.close(state.adapters)
        cache.close(state.namespace)
    }
}

extension Scheduler {
    /// Whether a sequence has not ended.
    package func isLive(_ id: SequenceID) -> Bool {
        slots.indices.contains(id.slot) && slots[id.slot].generation == id.generation
    }

    /// The longest a live sequence may become.
    package func maxLength(_ id: SequenceID) -> Int {
        slots[id.slot].limit
    }

    /// Length of a live sequence's prompt.
    package func promptCount(_ id: SequenceID) -> Int {
        slots[id.slot].promptCount
    }

    /// The adapters of a request that has not ended.
    package func adapters(of request: GenerationID) -> AdapterMix {
        requests[request]?.adapters ?? AdapterMix()
    }

    /// The tokens of a live sequence, prompt and answer.
    package func tokens(_ id: SequenceID) -> [Int32] {
        slots[id.slot].tokens
    }

    /// The blocks of a live sequence.
    package func blockTable(_ id: SequenceID) -> [Int32] {
        slots[id.slot].table
    }

    /// The request of a live sequence, and which of its choices it is.
    package func owner(_ id: SequenceID) -> (request: GenerationID, choice: Int) {
        (slots[id.slot].request, slots[id.slot].choice)
    }

    /// Tokens that a live sequence found in the prefix cache when it began.
    package func cachedTokens(_ id: SequenceID) -> Int {
        slots[id.slot].cachedTokens
    }

    mutating func insert(_ sequence: ScheduledSequence) -> SequenceID {
        var sequence = sequence
        let slot = freeSlots.popLast() ?? slots.count
        sequence.generation = slot < slots.count ? slots[slot].generation : 0
        if slot < slots.count { slots[slot] = sequence } else { slots.append(sequence) }
        return SequenceID(slot: slot, generation: sequence.generation)
    }

    mutating func nextAdmission() -> Int {
        lastAdmission += 1
        return lastAdmission
    }
}

extension PrefixTree.Namespace {
    /// The namespace of a tenant's salt, a set of adapters with their scales, and a variant.
    init(salt: String, adapters: AdapterMix, variant: [Int]) {
        self.init(
            salt: Array(salt.utf8),
            adapters: adapters.entries.map {
                Adapter(id: Array($0.adapter.id.description.utf8), scale: $0.scale.bitPattern)
            },
            variant: variant
        )
    }
}
