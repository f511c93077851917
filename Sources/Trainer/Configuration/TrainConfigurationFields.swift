import InferenceRuntime

/// The keys of a configuration file, read one by one with errors that name them.
struct TrainConfigurationFields {
    private let object: JSONObject

    /// Keys whose values are read above or become hyperparameters.
    static let used = Set([
        "model_name_or_path", "adapter_name_or_path", "stage", "dataset", "dataset_dir",
        "eval_dataset", "val_size", "max_samples", "output_dir", "overwrite_output_dir",
        "do_train", "finetuning_type", "quantization_bit", "quantization_method",
        "quantization_type", "per_device_train_batch_size", "packing", "neat_packing",
    ]).union(hyperparameterNames.keys)

    /// LLaMA-Factory's name → ours.
    static let hyperparameterNames: [String: String] = [
        "num_train_epochs": "n_epochs",
        "gradient_accumulation_steps": "gradient_accumulation_steps",
        "learning_rate": "learning_rate", "lr_scheduler_type": "lr_scheduler_type",
        "warmup_ratio": "warmup_ratio", "warmup_steps": "warmup_steps",
        "weight_decay": "weight_decay", "max_grad_norm": "max_grad_norm",
        "lora_rank": "lora_rank", "lora_alpha": "lora_alpha", "lora_dropout": "lora_dropout",
        "lora_target": "lora_target_modules", "use_rslora": "use_rslora", "use_dora": "use_dora",
        "loraplus_lr_ratio": "loraplus_lr_ratio", "neftune_noise_alpha": "neftune_noise_alpha",
        "cutoff_len": "cutoff_len", "save_steps": "save_steps",
        "save_total_limit": "save_total_limit", "seed": "seed",
        "train_on_prompt": "train_on_prompt", "mask_history": "mask_history",
    ]

    /// Keys that only tune LLaMA-Factory's own machinery, and why they have no effect here.
    static let withoutEffect: [String: String] = [
        "template": "the checkpoint's own chat template is used, in training as in serving",
        "bf16": "sums are in fp32; --compute-dtype chooses the kernels",
        "fp16": "sums are in fp32; --compute-dtype chooses the kernels",
        "pure_bf16": "sums are in fp32; --compute-dtype chooses the kernels",
        "double_quantization": "the base stays as its checkpoint has it",
        "flash_attn": "attention is always computed block by block",
        "gradient_checkpointing": "recompute follows from memory",
        "disable_gradient_checkpointing": "recompute follows from memory",
        "logging_steps": "every step is logged",
        "overwrite_cache": "nothing stale is cached",
        "plot_loss": "training_loss.svg is always written",
        "preprocessing_num_workers": "reading takes no workers",
        "dataloader_num_workers": "reading takes no workers",
        "per_device_eval_batch_size": "validation chooses its own batches",
        "eval_strategy": "validation runs at every checkpoint",
        "eval_steps": "validation runs at every checkpoint",
        "save_strategy": "save_steps decides",
        "report_to": "the log is trainer_log.jsonl",
        "ddp_timeout": "there is one process",
        "include_num_input_tokens_seen": "tokens are always counted",
        "trust_remote_code": "no code is loaded from a checkpoint",
        "save_only_model": "a checkpoint always keeps the optimizer",
        "resume_from_checkpoint": "a run always goes on from its last checkpoint",
        "optim": "the optimizer is AdamW",
        "use_fast_tokenizer": "there is one tokenizer",
        "low_cpu_mem_usage": "weights are mapped",
        "create_new_adapter": "the adapter that is started from stays as it is",
    ]

    init(_ object: JSONObject) throws(TrainConfigurationError) {
        if let twice = object.firstDuplicateKey {
            throw TrainConfigurationError(twice, "'\(twice)' is there twice.")
        }
        for (key, _) in object.members
        where !Self.used.contains(key) && Self.withoutEffect[key] == nil {
            let known = Self.used.union(Self.withoutEffect.keys).sorted()
            throw TrainConfigurationError(
                key,
                "Unknown key '\(key)'. Known are: " + known.joined(separator: ", ") + "."
            )
        }
        self.object = object
    }

    /// What is accepted and changes nothing.
    var notes: [String] {
        object.members.compactMap { member in
            Self.withoutEffect[member.key].map { "\(member.key) has no effect: \($0)." }
        }
    }

    /// Values that ask for another kind of run than this one.
    func refuseWhatDiffers() throws(TrainConfigurationError) {
        if try bool("do_train") == false {
            throw TrainConfigurationError(
                "do_train",
                "'do_train' must be true; 'facet eval' evaluates."
            )
        }
        let only: [(String, [String])] = [
            ("finetuning_type", ["lora"]), ("quantization_method", ["bnb", "bitsandbytes"]),
            ("quantization_type", ["nf4"]),
        ]
        for (key, words) in only {
            guard let word = try string(key), !words.contains(word) else { continue }
            throw TrainConfigurationError(
                key,
                "'\(key)' is '\(word)', but facet has only '\(words[0])'."
            )
        }
        if let bits = try integer("quantization_bit"), bits != 4 {
            throw TrainConfigurationError(
                "quantization_bit",
                "'quantization_bit' must be 4: the base is NF4."
            )
        }
    }

    /// The hyperparameters under our names.
    func hyperparameters() throws(TrainConfigurationError) -> HyperparameterRequest {
        var json = JSONObject()
        for (theirs, ours) in Self.hyperparameterNames.sorted(by: { $0.key < $1.key }) {
            if let value = object[theirs] { json[ours] = value }
        }
        // LLaMA-Factory's default; a file of no matter how few examples is seen as often.
        if json["n_epochs"] == nil { json["n_epochs"] = 3 }
        let perDevice = try integer("per_device_train_batch_size") ?? 1
        let accumulation = try integer("gradient_accumulation_steps") ?? 8
        json["batch_size"] = JSONValue(perDevice.multipliedReportingOverflow(by: accumulation).0)
        json["gradient_accumulation_steps"] = JSONValue(accumulation)
        let packs = try bool("packing") ?? false
        let packsNeatly = try bool("neat_packing") ?? false
        if packs || packsNeatly { json["packing"] = true }
        do throws(HyperparameterError) {
            return try HyperparameterRequest(json: json)
        } catch {
            let theirs = Self.hyperparameterNames.first { $0.value == error.name }?.key
            let name = theirs ?? error.name
            let message = error.message.replacing("'\(error.name)'", with: "'\(name)'")
            throw TrainConfigurationError(name, message)
        }
    }

    func required(_ key: String) throws(TrainConfigurationError) -> String {
        guard let value = try string(key), !value.isEmpty else {
            throw TrainConfigurationError(key, "'\(key)' is missing.")
        }
        return value
    }

    func string(_ key: String) throws(TrainConfigurationError) -> String? {
        try read(key, "a text", \.string)
    }

    func bool(_ key: String) throws(TrainConfigurationError) -> Bool? {
        try read(key, "true or false", \.bool)
    }

    func integer(
        _ key: String,
        atLeast least: Int = .min
    ) throws(TrainConfigurationError) -> Int? {
        let value = try read(key, "a whole number", \.int)
        guard let value, value < least else { return value }
        throw TrainConfigurationError(key, "'\(key)' must be at least \(least).")
    }

    func number(
        _ key: String,
        atLeast least: Int
    ) throws(TrainConfigurationError) -> Double? {
        let value = try read(key, "a number", \.double)
        guard let value, value < Double(least) else { return value }
        throw TrainConfigurationError(key, "'\(key)' must be at least \(least).")
    }

    /// A list of texts, or one text with commas.
    func list(_ key: String) throws(TrainConfigurationError) -> [String] {
        if let array = object[key]?.array {
            let names = array.compactMap(\.string)
            guard names.count == array.count else {
                throw TrainConfigurationError(key, "'\(key)' must be a list of texts.")
            }
            return names
        }
        let names = try string(key)?.split(separator: ",") ?? []
        return names.map { name in
            let trimmed = name.drop { $0 == " " }
            return String(trimmed.reversed().drop { $0 == " " }.reversed())
        }
    }

    func word<Value>(
        _ key: String,
        _ parse: (String) -> Value?
    ) throws(TrainConfigurationError) -> Value? {
        guard let word = try string(key) else { return nil }
        guard let value = parse(word) else {
            throw TrainConfigurationError(key, "'\(key)' is '\(word)', which facet does not have.")
        }
        return value
    }

    private func read<Value>(
        _ key: String,
        _ kind: String,
        _ value: (JSONValue) -> Value?
    ) throws(TrainConfigurationError) -> Value? {
        guard let given = object[key], !given.isNull else { return nil }
        guard let read = value(given) else {
            throw TrainConfigurationError(key, "'\(key)' must be \(kind).")
        }
        return read
    }
}
