/// The transformer as the engine's thread uses it: with a cache, a workspace and threads.
public final class TransformerStepModel: StepModel {
    private let model: Transformer
    private let cache: KVBlockPool
    private let workspace: Workspace
    private let context: ComputeContext

    /// Allocates cache and workspace for an engine's measures.
    public init(_ model: Transformer, pool: ThreadPool, configuration: EngineConfiguration) {
        self.model = model
        cache = model.makeCache(blocks: configuration.kvBlocks)
        workspace = model.makeWorkspace(
            maxRows: configuration.maxRows,
            maxLogitRows: configuration.limits.logitRows
        )
        context = ComputeContext(pool: pool, dtype: model.compute)
    }

    /// Logits in a row.
    public var vocabularySize: Int { model.architecture.vocabularySize }

    /// The regimes of the rotary embeddings: keys of different ones do not mix.
    public func cacheVariant(maxLength: Int) -> [Int] {
        model.architecture.rotaries.map { $0.regime(maxLength: maxLength) }
    }

    /// Computes a batch.
    public func forward(_ batch: Batch) throws {
        try model.forward(
            batch,
            cache: cache,
            workspace: workspace,
            tape: nil,
            context,
            yield: nil
        )
    }

    /// A row of logits of the last batch.
    public func logits(row: Int) -> UnsafePointer<Float> {
        guard let row = workspace.logits(row: row).baseAddress else {
            preconditionFailure("a row of logits has numbers")
        }
        return UnsafePointer(row)
    }

    /// The head's input for a row of logits of the last batch.
    public func hidden(row: Int) -> UnsafeBufferPointer<Float> {
        precondition(row >= 0 && row < workspace.maxLogitRows, "a row of logits")
        let size = model.architecture.hiddenSize
        return UnsafeBufferPointer(start: workspace.headIn.baseAddress + row * size, count: size)
    }

    /// Copies a block of keys and values in all layers.
    public func copyBlock(from source: Int32, to target: Int32) {
        cache.bytes(ofBlock: Int(target))
            .copyMemory(from: UnsafeRawBufferPointer(cache.bytes(ofBlock: Int(source))))
    }

    /// Threads of the pool.
    public var threads: Int { context.pool.threads }

    /// Spreads calls over the pool.
    public func parallel(_ count: Int, _ body: @escaping (Int) -> Void) {
        context.pool.parallel(count, kept: body)
    }
}

extension Engine {
    /// An engine over a transformer.
    ///
    /// `pool` is the engine's alone from here on, training included.
    public convenience init(
        model: Transformer,
        pool: ThreadPool,
        configuration: EngineConfiguration
    ) throws(EngineError) {
        try self.init(
            configuration: configuration,
            vocabularySize: model.architecture.vocabularySize
        ) {
            TransformerStepModel(model, pool: pool, configuration: configuration)
        }
    }
}
