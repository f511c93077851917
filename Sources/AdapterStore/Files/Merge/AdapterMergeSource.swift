import InferenceRuntime

/// One adapter of a merge: its file, checked to hold nothing but LoRA pairs.
struct AdapterMergeSource {
    let configuration: LoRAConfiguration
    /// In the order of the file.
    let modules: [String]
    /// The rank of modules it does not name itself.
    var rank: Int { configuration.rank }

    private let name: String
    private let weight: Double
    private let file: SafetensorsFile
    private let matcher: ModuleMatcher
    /// Module → the beginning of its tensors' names.
    private let stems: [String: String]

    init(folder: String, name: String, weight: Double) throws(AdapterStoreError) {
        self.name = name
        self.weight = weight
        let facts = try AdapterFacts(folder: folder, source: name)
        guard !AdapterFileNames.content(of: folder).contains(AdapterFileNames.scoreHead) else {
            throw .unfit(name: name, reason: "reward models, which have a head, cannot be merged")
        }
        configuration = facts.configuration
        let file: SafetensorsFile
        do throws(CheckpointError) {
            file = try SafetensorsFile(path: folder + "/" + AdapterFileNames.weights)
        } catch {
            throw .damaged(name: name, reason: error.description)
        }
        guard !configuration.usesDoRA, configuration.bias == .none, !configuration.hasLoRABias,
            !configuration.fanInFanOut
        else {
            throw .unfit(
                name: name,
                reason: "adapters with DoRA, biases or fan_in_fan_out cannot be merged"
            )
        }
        var stems: [String: String] = [:]
        var modules: [String] = []
        for tensor in file.tensors {
            guard tensor.name.hasPrefix("base_model.model."),
                let end = [".lora_A.weight", ".lora_B.weight"].first(where: tensor.name.hasSuffix),
                tensor.shape.count == 2, tensor.type.floatFormat != nil
            else {
                throw .unfit(name: name, reason: "\(tensor.name.prefix(200)) cannot be merged")
            }
            let stem = String(tensor.name.dropLast(end.count))
            let module = ModulePath.canonical(String(stem.dropFirst("base_model.model.".count)))
            if stems.updateValue(stem, forKey: module) == nil { modules.append(module) }
        }
        for (module, stem) in stems {
            guard let a = file[stem + ".lora_A.weight"], let b = file[stem + ".lora_B.weight"],
                a.shape[0] == b.shape[1], a.count > 0, b.count > 0
            else {
                throw .damaged(name: name, reason: "\(module) has no lora_A and lora_B that fit")
            }
        }
        do throws(AdapterError) {
            matcher = try facts.configuration.spelled(as: file.tensors).matcher()
        } catch {
            throw .unfit(name: name, reason: error.description)
        }
        self.file = file
        self.stems = stems
        self.modules = modules
    }

    /// The measures of a module's pair; `nil` where the adapter does not touch it.
    func shape(of module: String) -> (inputs: Int, outputs: Int, rank: Int)? {
        guard let stem = stems[module], let a = file[stem + ".lora_A.weight"],
            let b = file[stem + ".lora_B.weight"]
        else { return nil }
        return (a.shape[1], b.shape[0], a.shape[0])
    }

    /// A module's pair; `nil` where the adapter does not touch it.
    func pair(of module: String) throws(AdapterStoreError) -> AdapterMerge.Pair? {
        guard let stem = stems[module], let a = file[stem + ".lora_A.weight"],
            let b = file[stem + ".lora_B.weight"]
        else { return nil }
        do throws(AdapterError) {
            let scale = try matcher.scale(ofPath: module, rank: a.shape[0])
            return AdapterMerge.Pair(
                factor: weight * Double(scale),
                rank: a.shape[0],
                a: a.floats,
                b: b.floats
            )
        } catch {
            throw .unfit(name: name, reason: error.description)
        }
    }
}
