/// A picture of the engine between two steps.
public struct EngineStatistics: Sendable, Hashable {
    /// Sequences being read or answered.
    public var running = 0
    /// As many as may be at a time.
    public var maxRunning = 0
    /// Requests that wait for their turn.
    public var waiting = 0
    /// KV blocks in all.
    public var kvBlocks = 0
    /// KV blocks that a running sequence holds.
    public var kvBlocksUsed = 0
    /// KV blocks that hold a prefix for later, free to be taken.
    public var kvBlocksCached = 0
    /// Content ids of the adapters of running requests, sorted.
    public var runningAdapters: [String] = []
    /// Content ids of the adapters of waiting requests, sorted.
    public var waitingAdapters: [String] = []

    // Counters since the start.

    /// Steps of the model.
    public var steps = 0
    /// Rows of all steps.
    public var rows = 0
    /// Steps by their rows: entry i counts those with at most `rowBounds[i]`, but more than the
    /// bound before; the entry after the last bound counts the rest.
    public var stepsByRows = SIMD16<Int>()
    /// Prompt tokens of the requests whose prompt has been read.
    public var promptTokens = 0
    /// Prompt tokens looked up in the prefix cache.
    public var prefixCacheQueries = 0
    /// Prompt tokens found there.
    public var prefixCacheHits = 0
    /// Tokens drawn.
    public var generationTokens = 0
    /// Steps of a sequence with guessed tokens.
    public var drafts = 0
    /// Tokens guessed.
    public var draftedTokens = 0
    /// Guessed tokens that were drawn.
    public var acceptedTokens = 0
    /// Sequences preempted because KV blocks or places ran out.
    public var preemptions = 0
    /// Choices that ended, by reason.
    public var finished: [FinishReason: Int] = [:]
    /// Requests that ended with an error.
    public var failed = 0
    /// Training slices run to their end.
    public var trainingSlices = 0
    /// Steps served from within a training slice.
    public var stepsWithinTraining = 0

    /// Nothing yet.
    public init() {}

    /// The bounds of `stepsByRows`.
    public static let rowBounds = [
        1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384,
    ]

    /// Counts a step of the model.
    mutating func countStep(rows count: Int) {
        steps += 1
        rows += count
        let entry = Self.rowBounds.firstIndex { count <= $0 } ?? Self.rowBounds.count
        stepsByRows[entry] += 1
    }

    /// The share of KV blocks in use, 0…1.
    public var kvUsage: Double { kvBlocks == 0 ? 0 : Double(kvBlocksUsed) / Double(kvBlocks) }
}
