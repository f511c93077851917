/// What stays in memory while an engine runs, consumer by consumer, and how many KV blocks are left.
///
/// Known before anything of it is allocated: a configuration that does not fit is refused with the
/// numbers, and a server that has started does not run out of memory by a request.
public struct ResidentBudget: Sendable, Hashable {
    /// Bytes that the process may use.
    public var memory: Int
    /// The base: NF4 tiles, embeddings, head, norms.
    ///
    /// Mapped or not, they are read with every token.
    public var weights: Int
    /// Activations of the largest step, and its rows of logits.
    public var workspace: Int
    /// One row of logits being edited, and its keys being selected, per sampling thread.
    public var sampling: Int
    /// What adapters may take together.
    public var adapters: Int
    /// What training jobs may take together: tapes, gradients, optimizers, workspaces of their own.
    public var training: Int
    /// One block of 16 tokens, keys and values of all layers.
    public var blockBytes: Int

    /// A budget of given parts.
    public init(
        memory: Int,
        weights: Int,
        workspace: Int,
        sampling: Int,
        adapters: Int,
        training: Int,
        blockBytes: Int
    ) {
        self.memory = memory
        self.weights = weights
        self.workspace = workspace
        self.sampling = sampling
        self.adapters = adapters
        self.training = training
        self.blockBytes = blockBytes
    }

    /// Kept for requests and answers on their way, and for what is not counted: code, sockets,
    /// tokenizer, templates, database.
    public var reserve: Int { min(memory / 8, 2 << 30) }

    /// All that is there whatever the cache is.
    public var fixed: Int { weights + workspace + sampling + adapters + training + reserve }

    /// Blocks for the KV cache: as many as `maxBatch` sequences of full length can hold, or as the
    /// share of memory that a cache may take allows, but at least what one sequence needs.
    ///
    /// - Throws: ``ResidentBudgetError`` where not even that is left.
    public func kvBlocks(for limits: SchedulerLimits) throws(ResidentBudgetError) -> Int {
        let one = KVBlockAllocator.blocks(for: limits.contextTokens) + 1  // and one to copy into
        let left = memory - fixed
        guard left >= one * blockBytes else {
            throw ResidentBudgetError(
                budget: self,
                contextTokens: limits.contextTokens,
                cache: one * blockBytes
            )
        }
        let useful = limits.maxBatch * one
        return max(one, min(useful, left / blockBytes, memory / 4 / blockBytes))
    }
}

extension ResidentBudget {
    /// The ledger of a process with a cache of `kvBlocks`; what is left over goes half to requests,
    /// half to what is not counted.
    public func ledger(kvBlocks: Int) -> MemoryLedger {
        let cache = kvBlocks * blockBytes
        let left = memory - (fixed - reserve) - cache
        return MemoryLedger(
            total: memory,
            allotments: [
                .weights: weights, .workspace: workspace + sampling, .cache: cache,
                .adapters: adapters, .training: training,
                .requests: left / 2, .buffers: left - left / 2,
            ]
        )
    }

    /// The budget of a model's engine.
    public init(
        model: Transformer,
        limits: SchedulerLimits,
        threads: Int,
        adapters: Int,
        training: Int,
        memory: Int
    ) {
        let measures = EngineConfiguration(limits: limits, kvBlocks: 1 << 24)
        self.init(
            memory: memory,
            weights: model.weightBytes,
            workspace: model.workspaceBytes(
                maxRows: measures.maxRows,
                maxLogitRows: measures.limits.logitRows
            ),
            sampling: threads * model.architecture.vocabularySize * SamplerWorkspace.bytesPerToken,
            adapters: adapters,
            training: training,
            blockBytes: model.cacheBytesPerBlock
        )
    }
}

/// A configuration that does not fit into memory, with its numbers.
public struct ResidentBudgetError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was asked for.
    public let budget: ResidentBudget
    /// The context that one sequence must be able to fill.
    public let contextTokens: Int
    /// Bytes of the cache that takes.
    public let cache: Int

    /// A sentence for people, every consumer with its megabytes.
    public var description: String {
        func megabytes(_ bytes: Int) -> String { "\((bytes + (1 << 20) - 1) >> 20) MB" }
        return "The configuration needs \(megabytes(budget.fixed + cache)) of memory and there are "
            + "\(megabytes(budget.memory)): weights \(megabytes(budget.weights)), workspace "
            + "\(megabytes(budget.workspace + budget.sampling)), adapters "
            + "\(megabytes(budget.adapters)), training \(megabytes(budget.training)), one context "
            + "of \(contextTokens) tokens \(megabytes(cache)), reserve "
            + "\(megabytes(budget.reserve)). A smaller context needs less."
    }
}
