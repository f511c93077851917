/// The measures that a scheduler keeps to.
public struct SchedulerLimits: Sendable, Hashable {
    /// Sequences that run at once, at most.
    public var maxBatch: Int
    /// Tokens of prompt and answer together, at most.
    public var contextTokens: Int
    /// Prompt tokens read in one step while nobody is being answered.
    public var chunkTokens: Int
    /// Prompt tokens read in one step beside answers: how long these may be held up.
    public var mixedChunkTokens: Int
    /// Rows of logits in one step, at most: a prompt that is scored is read in tiles of these.
    public var logitRows: Int
    /// Choices of one tenant that wait, at most, each request counting all of its own.
    public var maxWaiting: Int
    /// How far ahead of the answers to guess.
    public var speculation: Speculation
    /// How many virtual tokens a tenant must be ahead before it gives up a place it has.
    public var preemptionLead: Int

    /// Rows of the largest step: what a workspace has to hold.
    public var maxRows: Int { max(chunkTokens, mixedChunkTokens + maxBatch) }

    /// Limits with the usual measures.
    public init(
        maxBatch: Int = 32,
        contextTokens: Int = 4096,
        chunkTokens: Int = 512,
        mixedChunkTokens: Int = 64,
        logitRows: Int = 64,
        maxWaiting: Int = 1024,
        speculation: Speculation = .adaptive,
        preemptionLead: Int = 512
    ) {
        self.maxBatch = maxBatch
        self.contextTokens = contextTokens
        self.chunkTokens = chunkTokens
        self.mixedChunkTokens = mixedChunkTokens
        self.logitRows = logitRows
        self.maxWaiting = maxWaiting
        self.speculation = speculation
        self.preemptionLead = preemptionLead
    }
}
