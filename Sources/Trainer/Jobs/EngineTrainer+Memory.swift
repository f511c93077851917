import InferenceRuntime

extension EngineTrainer {
    /// The bytes a job takes at least.
    struct MemoryNeed {
        /// Activations, gradients of them, tape and cache of the longest example.
        let workspace: Int
        /// Parameters, their gradients and moments, and the order of the data.
        let state: Int

        var total: Int { workspace + state }
    }

    /// What a job needs; refused where jobs have less than that together.
    func memory(
        of plan: TrainingPlan,
        _ start: LoRAConfiguration?
    ) throws(FineTuningError) -> MemoryNeed {
        let layout: LoRALayout
        do throws(AdapterError) {
            layout = try LoRALayout(
                start ?? plan.hyperparameters.loraConfiguration,
                for: environment.model.architecture,
                hasScoreHead: plan.hyperparameters.method.hasScoreHead
            )
        } catch {
            throw FineTuningError(
                code: "invalid_hyperparameters",
                message: "\(error)",
                param: start == nil ? "lora_target_modules" : "model"
            )
        }
        let need = MemoryNeed(
            workspace: TrainingWorkspace.bytes(model: environment.model, longest: plan.longest),
            state: TrainingState.bytes(parameters: layout.count) + plan.orderBytes
        )
        let limit = environment.memory.allotment(of: .training)
        guard need.total <= limit else {
            throw FineTuningError(
                code: "insufficient_memory",
                message:
                    "The job needs \(megabytes(need.total)) MB of memory beside the model, and "
                    + "\(megabytes(limit)) MB are there for it. Lower "
                    + "'cutoff_len' (now \(plan.hyperparameters.cutoffLength)) or 'lora_rank' "
                    + "(now \(plan.hyperparameters.rank)).",
                param: "hyperparameters"
            )
        }
        return need
    }

    /// Reserves what a job needs, or half of what jobs have together where that is more: it keeps
    /// activations, and another job of the usual size has room beside it.
    ///
    /// Waits while other jobs have the memory.
    /// - Returns: `nil` where the job is to stop meanwhile.
    func reserve(_ need: MemoryNeed, _ control: TrainingControl) async -> MemoryReservation? {
        let wanted = max(need.total, environment.memory.allotment(of: .training) / 2)
        while control.current == .proceed, !Task.isCancelled {
            for bytes in [wanted, need.total] {
                if let reservation = environment.memory.reserve(bytes, for: .training) {
                    return reservation
                }
            }
            try? await Task.sleep(for: .milliseconds(200))
        }
        return nil
    }

    private func megabytes(_ bytes: Int) -> Int { (bytes + 999_999) / 1_000_000 }
}
