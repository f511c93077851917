import InferenceRuntime

/// The keys of a configuration file, read one by one with errors that name them.
struct TrainConfigurationFields {
    private let object: JSONObject
    /// What is accepted and changes nothing, in the order of the file.
    private(set) var notes: [TrainConfiguration.Note] = []

    /// - Throws: `TrainConfigurationError` for a key LLaMA-Factory does not know either, for one that
    ///   is there twice, and for a value that cannot be honoured.
    init(_ object: JSONObject) throws(TrainConfigurationError) {
        self.object = object
        if let twice = object.firstDuplicateKey {
            throw TrainConfigurationError(twice, "'\(twice)' is there twice.")
        }
        for (key, _) in object.members where TrainKey.named[key] == nil {
            let hint = Spelling.hint(key, among: TrainKey.named.keys)
            throw TrainConfigurationError(
                key,
                "Unknown key '\(key)', to facet and to LLaMA-Factory.\(hint)"
            )
        }
        try refuseOtherKindsOfTraining()
        for (key, value) in object.members {
            if let text = try TrainKey.named[key]?.note(key, value) { note(key, text) }
        }
    }

    mutating func note(_ key: String, _ text: String) {
        notes.append(TrainConfiguration.Note(key, "\(key) \(text)."))
    }

    // MARK: - What is another kind of run

    /// What the whole file is for comes before its details.
    private func refuseOtherKindsOfTraining() throws(TrainConfigurationError) {
        if try string("stage") == "ppo" {
            throw TrainConfigurationError(
                "stage",
                "'stage' is 'ppo' (reinforcement), which 'facet train' does not have; it has "
                    + "'sft', 'pt', 'dpo', 'kto' and 'rm'. A server's jobs have "
                    + "'reinforcement' (docs/FINE_TUNING.md)."
            )
        }
        if let type = try string("finetuning_type"), type != "lora" {
            throw TrainConfigurationError(
                "finetuning_type",
                "'finetuning_type' is '\(type)', but facet trains LoRA adapters on a 4-bit base: "
                    + "write 'finetuning_type: lora'."
            )
        }
        if try bool("do_train") == false {
            throw TrainConfigurationError(
                "do_train",
                "'do_train' must be true; 'facet eval' evaluates."
            )
        }
    }

    /// Values that ask for another run than facet's.
    mutating func refuseWhatDiffers() throws(TrainConfigurationError) {
        let only: [(String, [String])] = [
            ("quantization_method", ["bnb", "bitsandbytes"]), ("quantization_type", ["nf4"]),
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
        for key in ["hf_hub_token", "ms_hub_token", "om_hub_token", "hub_token"]
        where try string(key) != nil {
            throw TrainConfigurationError(
                key,
                "'\(key)' is a secret, which does not belong into a file: set HF_TOKEN and run "
                    + "'facet pull'."
            )
        }
        if let optimizer = try string("optim") {
            let name = optimizer.replacing("paged_", with: "")
            guard name == "adamw" || name.hasPrefix("adamw_") else {
                throw TrainConfigurationError(
                    "optim",
                    "'optim' is '\(optimizer)', but facet has only AdamW: write 'adamw_torch'."
                )
            }
            if optimizer != "adamw_torch" { note("optim", "has no effect: AdamW is in fp32") }
        }
        if try string("template") != nil {
            note(
                "template",
                "has no effect: the checkpoint's own chat template is used, in training as in "
                    + "serving"
            )
        }
        if try bool("enable_thinking") != nil {
            note(
                "enable_thinking",
                "has no effect: the checkpoint's own chat template decides about thoughts, in "
                    + "training as in serving"
            )
        }
        if let seed = try integer("data_seed"), seed != (try integer("seed") ?? 42) {
            throw TrainConfigurationError(
                "data_seed",
                "'data_seed' must be 'seed': one seed orders the data and draws the rest."
            )
        }
        if try bool("train_on_prompt") == true, try bool("mask_history") == true {
            throw TrainConfigurationError(
                "mask_history",
                "'mask_history' and 'train_on_prompt' exclude each other."
            )
        }
    }

    // MARK: - What is read

    /// Whether an earlier run in the folder is of no interest.
    mutating func startsOver() throws(TrainConfigurationError) -> Bool {
        let resumes = object["resume_from_checkpoint"] ?? .null
        if let folder = resumes.string, !["", "true", "True"].contains(folder) {
            throw TrainConfigurationError(
                "resume_from_checkpoint",
                "'resume_from_checkpoint' is '\(folder)', but a run goes on from the newest "
                    + "checkpoint of 'output_dir': leave it out."
            )
        }
        if !resumes.isNull, resumes.bool != false {
            note(
                "resume_from_checkpoint",
                "has no effect: a run always goes on from its newest checkpoint"
            )
        }
        return try bool("overwrite_output_dir") ?? false || resumes.bool == false
    }

    /// How several data sets are put together.
    func mix() throws(TrainConfigurationError) -> DatasetMix {
        let strategy = try word("mix_strategy", DatasetMix.Strategy.init) ?? .concat
        let texts = try list("interleave_probs")
        let shares = texts.compactMap { Double($0) }
        let names = try list("dataset").count
        let areShares = shares.count == texts.count && shares.allSatisfy { $0 > 0 && $0 <= 1 }
        guard texts.isEmpty || (areShares && shares.count == names) else {
            throw TrainConfigurationError(
                "interleave_probs",
                "'interleave_probs' must be \(names) numbers above 0, one for each 'dataset'."
            )
        }
        return DatasetMix(strategy: strategy, shares: shares)
    }

    /// `do_predict`, and how long an answer may be.
    mutating func predictedTokens() throws(TrainConfigurationError) -> Int? {
        guard try bool("do_predict") == true else { return nil }
        guard try !list("eval_dataset").isEmpty else {
            note("do_predict", "has no effect without 'eval_dataset', whose prompts are answered")
            return nil
        }
        return try integer("max_new_tokens", atLeast: 1) ?? 1024
    }

    /// The hyperparameters under our names; what is silent has LLaMA-Factory's default.
    mutating func hyperparameters(
        _ stage: TrainConfiguration.Stage
    ) throws(TrainConfigurationError) -> HyperparameterRequest {
        var json = JSONObject()
        for row in Hyperparameter.all {
            guard let key = row.key else { continue }
            let given = object[key] ?? .null
            guard row.methods.contains(stage.method) else {
                if !given.isNull, given != row.keyDefault, given != false {
                    note(key, "has no effect with 'stage' '\(stage.rawValue)'")
                }
                continue
            }
            json[row.name] = given.isNull ? row.keyDefault : given
        }
        let perDevice = try integer("per_device_train_batch_size", atLeast: 1) ?? 8
        let accumulation = try integer("gradient_accumulation_steps", atLeast: 1) ?? 1
        json["batch_size"] = JSONValue(perDevice.multipliedReportingOverflow(by: accumulation).0)
        json["gradient_accumulation_steps"] = JSONValue(accumulation)
        // Pre-training packs unless the file says otherwise.
        let packs = try bool("packing") ?? (stage == .pt)
        json["packing"] = .bool(try bool("neat_packing") == true || packs)
        // Web forms write 0 for none, and the trainer −1.
        for name in ["loraplus_lr_ratio", "save_total_limit"] where json[name]?.double == 0 {
            json[name] = nil
        }
        if let steps = json["max_steps"]?.double, steps <= 0 { json["max_steps"] = nil }
        if try adapter() != nil { keepShape(&json) }
        if stage.method.comparesAnswers, json["lora_dropout"]?.double ?? 0 > 0 {
            note("lora_dropout", "has no effect: policy and reference are compared without it")
        }
        try warmUp(&json)
        try save(&json)
        try evaluate(&json)
        do throws(HyperparameterError) {
            return try HyperparameterRequest(json: json, of: stage.method, from: .file)
        } catch {
            let row = Hyperparameter.named[error.name]
            let key = row?.key ?? error.name
            let message = error.message.replacing("'\(error.name)'", with: "'\(key)'")
            throw TrainConfigurationError(key, message)
        }
    }

    /// A run that goes on from an adapter keeps that adapter's shape, whatever the file says.
    private mutating func keepShape(_ json: inout JSONObject) {
        let names = ["lora_rank", "lora_alpha", "use_rslora", "use_dora", "lora_target_modules"]
        for name in names {
            json[name] = nil
            guard let key = Hyperparameter.named[name]?.key, object[key]?.isNull == false else {
                continue
            }
            note(key, "has no effect: the adapter of 'adapter_name_or_path' keeps its own")
        }
    }

    /// As transformers: a number of steps from 1 on, a share of them below, else the ratio.
    private mutating func warmUp(_ json: inout JSONObject) throws(TrainConfigurationError) {
        if let steps = try number("warmup_steps", atLeast: 0) {
            json["warmup_steps"] = steps >= 1 ? JSONValue(Int(min(steps, 1e9))) : nil
            if steps > 0, steps < 1 { json["warmup_ratio"] = JSONValue(steps) }
        }
        guard json["lr_scheduler_type"] == "constant" else { return }
        if json["warmup_steps"]?.double ?? 0 > 0 || json["warmup_ratio"]?.double ?? 0 > 0 {
            note("warmup_steps", "has no effect: the schedule 'constant' has no warm-up")
        }
        (json["warmup_steps"], json["warmup_ratio"]) = (nil, nil)
    }

    private mutating func evaluate(_ json: inout JSONObject) throws(TrainConfigurationError) {
        switch try string("eval_strategy") ?? "no" {
        // Measured all the same, where there is something to measure on: at checkpoints.
        case "no": break
        case "steps":
            let steps = try number("eval_steps", atLeast: 0)
            guard steps == nil || steps ?? 0 >= 1 else {
                throw TrainConfigurationError(
                    "eval_steps",
                    "'eval_steps' is a share of the run; give it as a number of steps."
                )
            }
            json["eval_strategy"] = "steps"
            json["eval_steps"] = object["eval_steps"] ?? object["logging_steps"] ?? 500
        case "epoch": json["eval_strategy"] = "epoch"
        case let strategy:
            throw TrainConfigurationError(
                "eval_strategy",
                "'eval_strategy' is '\(strategy)', but must be 'steps', 'epoch' or 'no'."
            )
        }
        guard let metric = try string("metric_for_best_model") else { return }
        let name = metric.hasPrefix("eval_") ? metric : "eval_" + metric
        json["metric_for_best_model"] = .string(name)
        if let greater = try bool("greater_is_better"), greater != (name == "eval_accuracy") {
            throw TrainConfigurationError(
                "greater_is_better",
                "'greater_is_better' is \(greater), but of 'metric_for_best_model' "
                    + "'\(metric)' the \(greater ? "lower" : "greater") is better."
            )
        }
    }

    private mutating func save(_ json: inout JSONObject) throws(TrainConfigurationError) {
        switch try string("save_strategy") ?? "steps" {
        case "steps":
            if let share = json["save_steps"]?.double, share > 0, share < 1 {
                throw TrainConfigurationError(
                    "save_steps",
                    "'save_steps' is a share of the run; give it as a number of steps."
                )
            }
        case "epoch": json["save_steps"] = nil
        // Only the end is saved, which always is.
        case "no": json["save_steps"] = 1_000_000_000
        case let strategy:
            throw TrainConfigurationError(
                "save_strategy",
                "'save_strategy' is '\(strategy)', but must be 'steps', 'epoch' or 'no'."
            )
        }
    }
}

extension TrainConfigurationFields {
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
        return names.map { String($0.trimmingPrefix(" ")) }.map { name in
            String(name.reversed().trimmingPrefix { $0 == " " }.reversed())
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
