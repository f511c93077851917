import InferenceRuntime

/// What a hyperparameter may be.
enum HyperparameterRule: Sendable {
    /// A whole number in a range.
    case integer(ClosedRange<Int>)
    /// A finite number in a range.
    case number(ClosedRange<Double>)
    /// `true` or `false`.
    case boolean
    /// One of some words.
    case word([String])
    /// A name, or a list of names.
    case names

    /// What is wrong with a value, to follow the name in a sentence; `nil` where nothing is.
    func problem(with value: JSONValue) -> String? {
        switch self {
        case .integer(let range):
            guard let number = value.int, range.contains(number) else {
                return "must be a whole number from \(range.lowerBound) to \(range.upperBound)"
            }
        case .number(let range):
            guard let number = value.double, range.contains(number) else {
                return "must be a number from \(range.lowerBound) to \(range.upperBound)"
            }
        case .boolean:
            guard value.bool != nil else { return "must be true or false" }
        case .word(let words):
            guard let word = value.string, words.contains(word) else {
                return "must be one of: " + words.joined(separator: ", ")
            }
        case .names:
            let names = value.array?.map(\.string) ?? [value.string]
            guard !names.isEmpty, names.allSatisfy({ $0?.isEmpty == false }) else {
                return "must be a module name or a list of module names, such as \"q_proj\""
            }
        }
        return nil
    }
}

extension HyperparameterRequest {
    /// Every name a client may send: OpenAI's three, and our extensions.
    static let rules: [String: HyperparameterRule] = [
        "n_epochs": .integer(1...1000),
        "batch_size": .integer(1...256),
        "learning_rate_multiplier": .number(1e-5...1e5),
        "learning_rate": .number(1e-9...10),
        "lora_rank": .integer(1...256),
        "lora_alpha": .number(1e-9...1e9),
        "lora_dropout": .number(0...0.95),
        "lora_target_modules": .names,
        "use_rslora": .boolean,
        "use_dora": .boolean,
        "loraplus_lr_ratio": .number(1e-6...1e6),
        "neftune_noise_alpha": .number(0...1000),
        "lr_scheduler_type": .word(LearningRateSchedule.Kind.allCases.map(\.rawValue)),
        "warmup_ratio": .number(0...1),
        "warmup_steps": .integer(0...1_000_000_000),
        "weight_decay": .number(0...10),
        "max_grad_norm": .number(0...1e9),
        "gradient_accumulation_steps": .integer(1...256),
        "cutoff_len": .integer(2...1_000_000),
        "packing": .boolean,
        "save_steps": .integer(1...1_000_000_000),
        "save_total_limit": .integer(1...1_000_000),
        "seed": .integer(0...2_147_483_647),
        "prompt_loss_weight": .number(0...1),
        "train_on_prompt": .boolean,
        "mask_history": .boolean,
    ]
}
