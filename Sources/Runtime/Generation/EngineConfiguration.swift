/// The measures of an engine.
public struct EngineConfiguration: Sendable, Hashable {
    /// What the scheduler keeps to.
    public var limits: SchedulerLimits
    /// Blocks of 16 tokens in the KV cache; at least the context's.
    public var kvBlocks: Int
    /// What training gets beside requests.
    public var training: TrainingPriority

    /// Measures that fit together: the cache always holds one sequence of the longest, and there
    /// are rows of logits for every sequence beside one that is scored.
    public init(
        limits: SchedulerLimits,
        kvBlocks: Int,
        training: TrainingPriority = TrainingPriority()
    ) {
        self.training = training
        self.kvBlocks = max(1, kvBlocks)
        self.limits = limits
        let room = self.kvBlocks * KVBlockPool.blockTokens
        self.limits.contextTokens = max(1, min(limits.contextTokens, room))
        self.limits.maxBatch = max(1, limits.maxBatch)
        self.limits.chunkTokens = max(1, limits.chunkTokens)
        self.limits.mixedChunkTokens = max(1, limits.mixedChunkTokens)
        self.limits.logitRows = max(limits.logitRows, self.limits.maxBatch + 1)
    }

    /// Rows of the largest step: what a workspace has to hold.
    public var maxRows: Int { limits.maxRows }
}
