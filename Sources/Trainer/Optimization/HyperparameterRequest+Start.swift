import InferenceRuntime

extension HyperparameterRequest {
    /// Every value resolved; a run that goes on from an adapter keeps that adapter's shape.
    /// - Throws: `HyperparameterError` for a value sent that is not the adapter's.
    func resolved(
        examples: Int,
        seed: Int,
        goingOnFrom adapter: LoRAConfiguration?,
        for architecture: Architecture
    ) throws(HyperparameterError) -> Hyperparameters {
        var resolved = resolved(examples: examples, seed: seed)
        guard let adapter else { return resolved }
        let wanted = resolved
        resolved.rank = adapter.rank
        resolved.alpha = adapter.alpha
        resolved.useRSLoRA = adapter.usesRSLoRA
        resolved.useDoRA = adapter.usesDoRA
        resolved.targetModules = adapter.targetNames
        let modules = { try? ($0 as LoRAConfiguration).targetedModules(architecture).map(\.name) }
        let differing = [
            ("lora_rank", wanted.rank != adapter.rank, "\(adapter.rank)"),
            ("lora_alpha", wanted.alpha != adapter.alpha, "\(adapter.alpha)"),
            ("use_rslora", wanted.useRSLoRA != adapter.usesRSLoRA, "\(adapter.usesRSLoRA)"),
            ("use_dora", wanted.useDoRA != adapter.usesDoRA, "\(adapter.usesDoRA)"),
            (
                "lora_target_modules", modules(wanted.loraConfiguration) != modules(adapter),
                adapter.targetNames.joined(separator: ", ")
            ),
        ]
        for (name, differs, value) in differing where differs && json[name] != nil {
            throw HyperparameterError(
                name: name,
                message: "'\(name)' is \(value) in the adapter to go on from, and stays so: leave "
                    + "it out, or start from the base."
            )
        }
        return resolved
    }
}

extension LoRAConfiguration {
    /// The targets as hyperparameters name them.
    fileprivate var targetNames: [String] {
        switch targets {
        case .names(let names): names
        case .pattern(let pattern): [pattern]
        case .allLinear: ["all-linear"]
        }
    }
}
