import InferenceRuntime

/// An engine sized for a model and this machine.
struct EngineAssembly {
    let engine: Engine
    let context: ComputeContext
    /// The memory of the process: the model, the engine, and what others may reserve.
    let memory: MemoryLedger

    /// Where the client asks for none, no context is longer.
    private static let usualContext = 16_384

    /// What the user asked for, in bytes; `nil` leaves it to the machine.
    struct Wishes {
        /// For everything, the model's weights too; by default what is free.
        var total: Int?
        /// For adapters in memory; by default an eighth of the total.
        var adapters: Int?
        /// For training jobs together; by default a quarter of the total.
        var training: Int?
    }

    /// - Parameter priority: What training gets beside requests.
    init(
        _ model: Transformer,
        _ options: EngineOptions,
        pool: ThreadPool,
        memory wishes: Wishes,
        priority: TrainingPriority = TrainingPriority()
    ) throws {
        var limits = SchedulerLimits(
            maxBatch: options.maxBatch,
            speculation: options.speculation ? .adaptive : .off
        )
        limits.contextTokens = min(
            options.context ?? Self.usualContext,
            model.architecture.contextLength
        )
        let (budget, blocks) = try Self.plan(model, options, &limits, wishes)
        memory = budget.ledger(kvBlocks: blocks)
        engine = try Engine(
            model: model,
            pool: pool,
            configuration: EngineConfiguration(
                limits: limits,
                kvBlocks: blocks,
                training: priority
            )
        )
        context = ComputeContext(pool: pool, dtype: model.compute)
    }

    /// One line about an engine of a model: context, arithmetic, threads and memory.
    func summary(of name: String) -> String {
        let parts = MemoryLedger.Use.allCases.map {
            "\($0.rawValue) \(memory.allotment(of: $0) / 1_000_000)"
        }
        return "\(name): context \(engine.contextTokens) tokens, \(context.dtype.rawValue), "
            + "\(context.pool.threads) threads; memory \(memory.total / 1_000_000) MB: "
            + parts.joined(separator: ", ")
    }

    /// The largest budget that fits: where memory is short, training gets less first, then the
    /// context, unless the user asked for them.
    private static func plan(
        _ model: Transformer,
        _ options: EngineOptions,
        _ limits: inout SchedulerLimits,
        _ wishes: Wishes
    ) throws -> (ResidentBudget, kvBlocks: Int) {
        // The weights are in memory already, and nothing else is.
        let total = wishes.total ?? MachineMemory.available / 10 * 9 + model.weightBytes
        var training = wishes.training ?? total / 4
        while true {
            let budget = ResidentBudget(
                model: model,
                limits: limits,
                threads: options.threads.value,
                adapters: wishes.adapters ?? min(max(total / 8, 256 << 20), 4 << 30),
                training: training,
                memory: total
            )
            do throws(ResidentBudgetError) {
                return (budget, try budget.kvBlocks(for: limits))
            } catch {
                if wishes.training == nil, training > 0 {
                    training = training > total / 16 ? training / 2 : 0
                } else if options.context == nil, limits.contextTokens > 512 {
                    limits.contextTokens /= 2
                } else {
                    throw error
                }
            }
        }
    }
}
