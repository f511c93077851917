import InferenceRuntime

extension HyperparameterRequest {
    /// Every value resolved for a base.
    ///
    /// Examples are cut where its context ends, and `all-linear` becomes the names of its layers. A
    /// run that goes on from an adapter keeps that adapter's shape.
    /// - Throws: `HyperparameterError` for a value sent that is not the adapter's.
    func resolved(
        examples: Int,
        seed: Int,
        goingOnFrom adapter: LoRAConfiguration?,
        for architecture: Architecture
    ) throws(HyperparameterError) -> Hyperparameters {
        var resolved = resolved(examples: examples, seed: seed)
        resolved.cutoffLength = min(resolved.cutoffLength, architecture.contextLength)
        resolved.targetModules = resolved.loraConfiguration.targetNames(architecture)
        guard let adapter else { return resolved }
        let wanted = resolved
        resolved.rank = adapter.rank
        resolved.alpha = adapter.alpha
        resolved.useRSLoRA = adapter.usesRSLoRA
        resolved.useDoRA = adapter.usesDoRA
        resolved.targetModules = adapter.targetNames(architecture)
        let modules = { try? ($0 as LoRAConfiguration).targetedModules(architecture).map(\.name) }
        let differing = [
            ("lora_rank", wanted.rank != adapter.rank, "\(adapter.rank)"),
            ("lora_alpha", wanted.alpha != adapter.alpha, "\(adapter.alpha)"),
            ("use_rslora", wanted.useRSLoRA != adapter.usesRSLoRA, "\(adapter.usesRSLoRA)"),
            ("use_dora", wanted.useDoRA != adapter.usesDoRA, "\(adapter.usesDoRA)"),
            (
                "lora_target_modules", modules(wanted.loraConfiguration) != modules(adapter),
                resolved.targetModules.joined(separator: ", ")
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
    /// The targets as hyperparameters name them: the last parts of their paths.
    ///
    /// Where none is found the targets stay as they were given, for the error that follows.
    fileprivate func targetNames(_ architecture: Architecture) -> [String] {
        switch targets {
        case .names(let names): return names
        case .pattern(let pattern): return names(architecture) ?? [pattern]
        case .allLinear: return names(architecture) ?? ["all-linear"]
        }
    }

    private func names(_ architecture: Architecture) -> [String]? {
        guard let modules = try? targetedModules(architecture) else { return nil }
        var names: [String] = []
        let adaptsEmbedding = (try? targetsEmbedding(architecture)) == true
        for module in modules.map(\.name) + (adaptsEmbedding ? [architecture.names.embedding] : [])
        {
            let name = String(module.split(separator: ".").last ?? "")
            if !names.contains(name) { names.append(name) }
        }
        return names
    }
}
