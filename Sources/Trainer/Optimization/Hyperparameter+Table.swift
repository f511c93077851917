import InferenceRuntime

extension Hyperparameter {
    /// Every hyperparameter, in the order of the job object: OpenAI's three, then the extensions.
    public static let all: [Hyperparameter] =
        training + adapter + optimizer + data + answers + rollouts

    private static let training: [Hyperparameter] = [
        .init(
            "n_epochs",
            .integer(1...1000),
            inFile: .number(1e-6...1e6),
            silence: "3; more for files under 34 examples",
            key: "num_train_epochs",
            keyDefault: 3,
            "passes over the data",
            value: { Int(exactly: $0.epochs).map { JSONValue($0) } ?? JSONValue($0.epochs) },
            set: { hyperparameters, value in
                hyperparameters.epochs = value.double ?? hyperparameters.epochs
            }
        ),
        .init(
            "batch_size",
            \.batchSize,
            .integer(1...256),
            inFile: .integer(1...65_536),
            silence: "examples / 16, 1 to 8",
            "sequences per optimizer step"
        ),
        .init(
            "learning_rate_multiplier",
            \.learningRateMultiplier,
            .number(1e-5...1e5),
            "the learning rate as a multiple of 1e-4"
        ),
        .init(
            "learning_rate",
            \.learningRate,
            .number(1e-9...10),
            silence: "1e-4 × `learning_rate_multiplier`",
            key: "learning_rate",
            keyDefault: 5e-5,
            "the peak rate"
        ),
        .init(
            "max_steps",
            .integer(1...1_000_000_000),
            key: "max_steps",
            "optimizer steps of the whole run, whatever `n_epochs` says",
            value: { $0.maxSteps.map { JSONValue($0) } },
            set: { $0.maxSteps = $1.int }
        ),
    ]

    private static let adapter: [Hyperparameter] = [
        .init(
            "lora_rank",
            \.rank,
            .integer(1...256),
            inFile: .integer(1...1024),
            key: "lora_rank",
            keyDefault: 8,
            "size of the adapter"
        ),
        .init(
            "lora_alpha",
            \.alpha,
            .number(1e-9...1e9),
            silence: "twice the rank",
            key: "lora_alpha",
            "the adapter's scale is alpha / rank"
        ),
        .init(
            "lora_dropout",
            \.dropout,
            .number(0...0.95),
            key: "lora_dropout",
            keyDefault: 0,
            "dropout on the adapter's input"
        ),
        .init(
            "lora_target_modules",
            \.targetModules,
            .names,
            silence: "`all-linear`",
            key: "lora_target",
            keyDefault: "all",
            "the modules that learn, such as `[\"q_proj\", \"v_proj\"]`"
        ),
        .init(
            "use_rslora",
            \.useRSLoRA,
            .boolean,
            key: "use_rslora",
            keyDefault: false,
            "scale alpha / √rank"
        ),
        .init(
            "use_dora",
            \.useDoRA,
            .boolean,
            key: "use_dora",
            keyDefault: false,
            "weight-decomposed adaptation"
        ),
        .init(
            "loraplus_lr_ratio",
            \.loraPlusRatio,
            .number(1e-6...1e6),
            key: "loraplus_lr_ratio",
            "learning rate of B and of DoRA's magnitudes over that of A, as PEFT has it"
        ),
        .init(
            "neftune_noise_alpha",
            \.neftuneAlpha,
            .number(0...1000),
            key: "neftune_noise_alpha",
            "noise on the embeddings"
        ),
    ]

    private static let optimizer: [Hyperparameter] = [
        .init(
            "lr_scheduler_type",
            \.schedule,
            .word(LearningRateSchedule.Kind.allCases.map(\.rawValue)),
            key: "lr_scheduler_type",
            keyDefault: "linear",
            "how the rate moves over the run, as in transformers"
        ),
        .init(
            "lr_scheduler_kwargs",
            \.scheduleOptions,
            .numbers(LearningRateSchedule.Options.ranges),
            silence: "those of transformers, `min_lr_rate` 0.1",
            key: "lr_scheduler_kwargs",
            "arguments of the schedule, such as `{\"num_cycles\": 2}`"
        ),
        .init(
            "warmup_ratio",
            \.warmupRatio,
            .number(0...1),
            silence: "0.1; 0 with `constant`",
            key: "warmup_ratio",
            keyDefault: 0,
            "share of the steps that warm up, where `warmup_steps` is not given"
        ),
        .init(
            "warmup_steps",
            \.warmupSteps,
            .integer(0...1_000_000_000),
            key: "warmup_steps",
            "optimizer steps that warm up"
        ),
        .init(
            "weight_decay",
            \.weightDecay,
            .number(0...10),
            key: "weight_decay",
            keyDefault: 0,
            "AdamW's decoupled decay"
        ),
        .init(
            "adam_beta1",
            \.adamBeta1,
            .number(0...0.999_999),
            key: "adam_beta1",
            keyDefault: 0.9,
            "decay of AdamW's mean of the gradient"
        ),
        .init(
            "adam_beta2",
            \.adamBeta2,
            .number(0...0.999_999),
            key: "adam_beta2",
            keyDefault: 0.999,
            "decay of AdamW's mean of its square"
        ),
        .init(
            "adam_epsilon",
            \.adamEpsilon,
            .number(1e-15...1),
            key: "adam_epsilon",
            keyDefault: 1e-8,
            "what AdamW adds to the denominator"
        ),
        .init(
            "max_grad_norm",
            \.maxGradNorm,
            .number(0...1e9),
            key: "max_grad_norm",
            keyDefault: 1,
            "the largest global norm of the gradient; 0 does not clip"
        ),
        .init(
            "gradient_accumulation_steps",
            \.gradientAccumulationSteps,
            .integer(1...256),
            inFile: .integer(1...65_536),
            "parts a batch is computed in; the result is the same"
        ),
    ]

    private static let data: [Hyperparameter] = [
        .init(
            "cutoff_len",
            \.cutoffLength,
            .integer(2...1_000_000),
            silence: "2048, or the context",
            key: "cutoff_len",
            keyDefault: 2048,
            "longest example in tokens; what is longer is cut"
        ),
        .init(
            "packing",
            \.packing,
            .boolean,
            "several examples per sequence; attention never crosses them"
        ),
        .init(
            "save_steps",
            \.saveSteps,
            .integer(1...1_000_000_000),
            silence: "each epoch",
            key: "save_steps",
            keyDefault: 500,
            "optimizer steps between checkpoints"
        ),
        .init(
            "save_total_limit",
            \.saveTotalLimit,
            .integer(1...1_000_000),
            silence: "all",
            key: "save_total_limit",
            "how many checkpoints are kept"
        ),
        .init(
            "eval_strategy",
            \.evaluation,
            .word(Hyperparameters.Evaluation.allCases.map(\.rawValue)),
            "when validation data are measured: at checkpoints, by `eval_steps`, or each epoch"
        ),
        .init(
            "eval_steps",
            \.evaluationSteps,
            .integer(1...1_000_000_000),
            "optimizer steps between measurements with `eval_strategy` `steps`"
        ),
        .init(
            "early_stopping_steps",
            .integer(1...1_000_000),
            key: "early_stopping_steps",
            "measurements without progress after which the run ends",
            value: { $0.earlyStopping.map { JSONValue($0) } },
            set: { $0.earlyStopping = $1.int }
        ),
        .init(
            "load_best_model_at_end",
            \.keepsBest,
            .boolean,
            key: "load_best_model_at_end",
            keyDefault: false,
            "the result is the checkpoint with the best measurement, not the last"
        ),
        .init(
            "metric_for_best_model",
            \.bestMetric,
            .word(Hyperparameters.BestMetric.allCases.map(\.rawValue)),
            "what best is by"
        ),
        .init(
            "seed",
            \.seed,
            .integer(0...2_147_483_647),
            silence: "the job's",
            key: "seed",
            keyDefault: 42,
            "initialisation, order, dropout, noise"
        ),
        .init(
            "train_on_prompt",
            .boolean,
            silence: "false",
            key: "train_on_prompt",
            keyDefault: false,
            of: [.supervised],
            "learn prompts too: `prompt_loss_weight` 1"
        ) { hyperparameters, value in
            hyperparameters.promptLossWeight = value == true ? 1 : 0
        },
        .init(
            "prompt_loss_weight",
            \.promptLossWeight,
            .number(0...1),
            of: [.supervised],
            "weight of the loss on prompts"
        ),
        .init(
            "mask_history",
            \.maskHistory,
            .boolean,
            key: "mask_history",
            keyDefault: false,
            of: [.supervised],
            "learn the last answer only"
        ),
    ]
}
