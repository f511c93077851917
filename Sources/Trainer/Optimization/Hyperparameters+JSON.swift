public import InferenceRuntime

extension Hyperparameters {
    /// The object the job echoes: OpenAI's three names first, then the extensions.
    public var json: JSONObject {
        [
            "n_epochs": JSONValue(epochs),
            "batch_size": JSONValue(batchSize),
            "learning_rate_multiplier": JSONValue(learningRateMultiplier),
            "learning_rate": JSONValue(learningRate),
            "lora_rank": JSONValue(rank),
            "lora_alpha": JSONValue(alpha),
            "lora_dropout": JSONValue(dropout),
            "lora_target_modules": .array(targetModules.map(JSONValue.string)),
            "use_rslora": .bool(useRSLoRA),
            "use_dora": .bool(useDoRA),
            "loraplus_lr_ratio": loraPlusRatio.map { JSONValue($0) } ?? .null,
            "neftune_noise_alpha": neftuneAlpha.map { JSONValue($0) } ?? .null,
            "lr_scheduler_type": .string(schedule.rawValue),
            "warmup_ratio": JSONValue(warmupRatio),
            "warmup_steps": warmupSteps.map { JSONValue($0) } ?? .null,
            "weight_decay": JSONValue(weightDecay),
            "max_grad_norm": JSONValue(maxGradNorm),
            "gradient_accumulation_steps": JSONValue(gradientAccumulationSteps),
            "cutoff_len": JSONValue(cutoffLength),
            "packing": .bool(packing),
            "save_steps": saveSteps.map { JSONValue($0) } ?? .null,
            "save_total_limit": saveTotalLimit.map { JSONValue($0) } ?? .null,
            "seed": JSONValue(seed),
            "prompt_loss_weight": JSONValue(promptLossWeight),
            "mask_history": .bool(maskHistory),
        ]
    }

    /// Reads back what `json` wrote, as the job store keeps it.
    public init(stored json: JSONObject) {
        self = HyperparameterRequest(stored: json).resolved(examples: 1, seed: 0)
    }
}
