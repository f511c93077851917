import AdapterStore
import InferenceRuntime

/// Writes trained parameters as PEFT reads them: `adapter_config.json` and
/// `adapter_model.safetensors`, fp32, with PEFT's names (reference: `peft/utils/save_and_load.py`).
struct PEFTAdapterWriter {
    /// What the base is called in the configuration.
    let base: String
    let hyperparameters: Hyperparameters
    let parameters: TrainableParameters

    /// Writes both files into a folder that is there, and syncs it.
    func write(to folder: String) throws(FileSystemError) {
        try DurableFile.write(
            JSONValue.object(configuration).serializedBytes,
            to: folder + "/adapter_config.json"
        )
        let writer = SafetensorsWriter(entries: entries)
        try DurableFile.write(to: folder + "/adapter_model.safetensors") {
            file throws(FileSystemError) in
            try file.write(writer.header)
            for module in parameters.modules { try write(module, to: file) }
        }
    }

    private var entries: [SafetensorsWriter.Entry] {
        let rank = parameters.rank
        return parameters.modules.flatMap { module in
            let prefix = "base_model.model.\(module.path)."
            var entries = [
                SafetensorsWriter.Entry(
                    name: prefix + "lora_A.weight",
                    type: .f32,
                    shape: [rank, module.inFeatures]
                ),
                SafetensorsWriter.Entry(
                    name: prefix + "lora_B.weight",
                    type: .f32,
                    shape: [module.outFeatures, rank]
                ),
            ]
            if module.magnitude != nil {
                entries.append(
                    SafetensorsWriter.Entry(
                        name: prefix + "lora_magnitude_vector",
                        type: .f32,
                        shape: [module.outFeatures]
                    )
                )
            }
            return entries
        }
    }

    private func write(
        _ module: TrainableParameters.Module,
        to file: borrowing OpenFile
    ) throws(FileSystemError) {
        let rank = parameters.rank
        let values = parameters.values.elements
        try file.write(Self.bytes(Array(values[module.a..<module.a + rank * module.inFeatures])))
        var b = [Float](repeating: 0, count: rank * module.outFeatures)
        for row in 0..<rank {
            for column in 0..<module.outFeatures {
                b[column * rank + row] = values[module.b + row * module.outFeatures + column]
            }
        }
        try file.write(Self.bytes(b))
        if let start = module.magnitude {
            try file.write(Self.bytes(Array(values[start..<start + module.outFeatures])))
        }
    }

    private static func bytes(_ values: [Float]) -> [UInt8] {
        values.withUnsafeBytes { Array($0) }
    }

    /// PEFT's fields with its defaults, keys sorted as it sorts them.
    private var configuration: JSONObject {
        let names = Set(
            parameters.modules.map { module in
                module.path.split(separator: ".").last.map(String.init) ?? module.path
            }
        )
        return [
            "alora_invocation_tokens": nil, "alpha_pattern": [:], "arrow_config": nil,
            "auto_mapping": nil, "base_model_name_or_path": .string(base), "bias": "none",
            "corda_config": nil, "ensure_weight_tying": false, "eva_config": nil,
            "exclude_modules": nil, "fan_in_fan_out": false, "inference_mode": true,
            "init_lora_weights": true, "layer_replication": nil, "layers_pattern": nil,
            "layers_to_transform": nil, "loftq_config": [:],
            "lora_alpha": JSONValue.spelled(hyperparameters.alpha), "lora_bias": false,
            "lora_dropout": JSONValue(hyperparameters.dropout), "megatron_config": nil,
            "megatron_core": "megatron.core", "modules_to_save": nil, "peft_type": "LORA",
            "qalora_group_size": 16, "r": JSONValue(parameters.rank), "rank_pattern": [:],
            "revision": nil, "target_modules": .array(names.sorted().map(JSONValue.string)),
            "target_parameters": nil, "task_type": "CAUSAL_LM", "trainable_token_indices": nil,
            "use_dora": .bool(hyperparameters.useDoRA), "use_qalora": false,
            "use_rslora": .bool(hyperparameters.useRSLoRA),
        ]
    }
}

extension JSONValue {
    /// A number, without a fraction where it has none: PEFT writes `lora_alpha` as an integer.
    fileprivate static func spelled(_ value: Double) -> JSONValue {
        Int(exactly: value).map { JSONValue($0) } ?? JSONValue(value)
    }
}
