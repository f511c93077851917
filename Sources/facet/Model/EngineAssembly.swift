import InferenceRuntime

/// An engine sized for a model and this machine.
struct EngineAssembly {
    let engine: Engine
    let context: ComputeContext
    /// Bytes for adapters in memory.
    let adapterMemory: Int
    /// Bytes for one training run.
    let trainingMemory: Int

    /// Where the client asks for none, no context is longer.
    private static let usualContext = 16_384

    /// - Parameters:
    ///   - limit: Bytes for everything, the model's weights too; by default what is free.
    ///   - adapters: Bytes for adapters in memory; by default an eighth of `limit`.
    ///   - training: What training gets beside requests.
    init(
        _ model: Transformer,
        _ options: EngineOptions,
        pool: ThreadPool,
        limit: Int? = nil,
        adapters: Int? = nil,
        training: TrainingPriority = TrainingPriority()
    ) throws {
        // The weights are in memory already, and nothing else is.
        let memory = limit ?? MachineMemory.available / 10 * 9 + model.weightBytes
        adapterMemory = adapters ?? min(max(memory / 8, 256 << 20), 4 << 30)
        trainingMemory = memory / 4
        var limits = SchedulerLimits(maxBatch: options.maxBatch)
        limits.contextTokens = min(
            options.context ?? Self.usualContext,
            model.architecture.contextLength
        )
        var blocks: Int?
        while blocks == nil {
            let budget = ResidentBudget(
                model: model,
                limits: limits,
                threads: options.threads,
                adapters: adapterMemory,
                training: 0,
                memory: memory
            )
            do throws(ResidentBudgetError) {
                blocks = try budget.kvBlocks(for: limits)
            } catch {
                guard options.context == nil, limits.contextTokens > 512 else { throw error }
                limits.contextTokens /= 2
            }
        }
        engine = try Engine(
            model: model,
            pool: pool,
            configuration: EngineConfiguration(
                limits: limits,
                kvBlocks: blocks ?? 1,
                training: training
            )
        )
        context = ComputeContext(pool: pool, dtype: model.compute)
    }
}
