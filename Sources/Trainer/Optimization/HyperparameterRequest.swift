public import InferenceRuntime

/// A hyperparameter that cannot be honoured.
public struct HyperparameterError: Error, Sendable, Hashable {
    /// The name on the wire.
    public let name: String
    /// What is wrong and what would be right.
    public let message: String
}

/// The hyperparameters a client sent: what is silent or `auto` is resolved against the data.
public struct HyperparameterRequest: Sendable, Hashable {
    /// The members by name; `auto` and `null` are left out.
    private var values: [String: JSONValue] = [:]

    /// A request that leaves everything to the defaults.
    public init() {}

    /// Reads an object of hyperparameters.
    /// - Throws: `HyperparameterError` for an unknown name, a wrong type or a value out of range.
    public init(json: JSONObject) throws(HyperparameterError) {
        for (name, value) in json.members {
            guard let rule = Self.rules[name] else {
                throw HyperparameterError(
                    name: name,
                    message: "Unknown hyperparameter '\(name)'. Known are: "
                        + Self.rules.keys.sorted().joined(separator: ", ") + "."
                )
            }
            if value.isNull || value.string == "auto" { continue }
            if let problem = rule.problem(with: value) {
                throw HyperparameterError(name: name, message: "'\(name)' \(problem).")
            }
            values[name] = value
        }
        if double("warmup_ratio") ?? 0 > 0 || int("warmup_steps") ?? 0 > 0,
            values["lr_scheduler_type"]?.string == LearningRateSchedule.Kind.constant.rawValue
        {
            throw HyperparameterError(
                name: "lr_scheduler_type",
                message: "'constant' has no warm-up; use 'constant_with_warmup'."
            )
        }
    }

    /// Values that were checked when they came.
    init(stored json: JSONObject) {
        for (name, value) in json.members where !value.isNull { values[name] = value }
    }

    /// What was sent, without what was left to the defaults; names in alphabetical order.
    public var json: JSONObject {
        JSONObject(values.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) })
    }

    /// The names a request may use.
    public static var names: Set<String> { Set(rules.keys) }

    /// Every value resolved for a training file of `examples` examples.
    ///
    /// `auto` epochs follow OpenAI's published rule: three, more for very small files so that about
    /// a hundred examples are seen. The `auto` batch grows with the file to at most 8.
    /// - Parameter seed: The job's seed, where the hyperparameters name none.
    public func resolved(examples: Int, seed: Int) -> Hyperparameters {
        let rank = int("lora_rank") ?? 8
        let rate = double("learning_rate")
        let multiplier =
            double("learning_rate_multiplier")
            ?? rate.map { $0 / Hyperparameters.baseLearningRate } ?? 1
        let kind =
            values["lr_scheduler_type"]?.string.flatMap(LearningRateSchedule.Kind.init) ?? .cosine
        let batch = int("batch_size") ?? min(8, max(1, examples / 16))
        return Hyperparameters(
            epochs: int("n_epochs") ?? min(25, max(3, 100 / max(1, examples))),
            batchSize: batch,
            learningRate: rate ?? Hyperparameters.baseLearningRate * multiplier,
            learningRateMultiplier: multiplier,
            rank: rank,
            alpha: double("lora_alpha") ?? Double(2 * rank),
            dropout: double("lora_dropout") ?? 0,
            targetModules: targetModules,
            useRSLoRA: bool("use_rslora"),
            useDoRA: bool("use_dora"),
            loraPlusRatio: double("loraplus_lr_ratio"),
            neftuneAlpha: double("neftune_noise_alpha").flatMap { $0 > 0 ? $0 : nil },
            schedule: kind,
            warmupRatio: double("warmup_ratio") ?? (kind == .constant ? 0 : 0.1),
            warmupSteps: int("warmup_steps"),
            weightDecay: double("weight_decay") ?? 0,
            maxGradNorm: double("max_grad_norm") ?? 1,
            gradientAccumulationSteps: min(batch, int("gradient_accumulation_steps") ?? 1),
            cutoffLength: int("cutoff_len") ?? 2048,
            packing: bool("packing"),
            saveSteps: int("save_steps"),
            saveTotalLimit: int("save_total_limit"),
            seed: int("seed") ?? seed,
            promptLossWeight: double("prompt_loss_weight") ?? (bool("train_on_prompt") ? 1 : 0),
            maskHistory: bool("mask_history")
        )
    }

    /// The module names that were asked for, or `all-linear`.
    private var targetModules: [String] {
        let names =
            values["lora_target_modules"]?.array?.compactMap(\.string)
            ?? values["lora_target_modules"]?.string?.split(separator: ",").map {
                String($0.filter { $0 != " " })
            } ?? []
        let all = names.isEmpty || names == ["all"] || names == ["all-linear"]
        return all ? ["all-linear"] : names
    }

    private func int(_ name: String) -> Int? { values[name]?.int }
    private func double(_ name: String) -> Double? { values[name]?.double }
    private func bool(_ name: String) -> Bool { values[name]?.bool ?? false }
}
