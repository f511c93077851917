import InferenceRuntime

extension Hyperparameter {
    /// What learning from the model's own answers takes beside the rest.
    static let rollouts: [Hyperparameter] = [
        .init(
            "group_size",
            \.groupSize,
            .integer(2...64),
            of: [.reinforcement],
            "answers per prompt, which are compared with each other; `batch_size` counts prompts"
        ),
        .init(
            "max_completion_tokens",
            \.maxCompletionTokens,
            .integer(1...100_000),
            of: [.reinforcement],
            "longest answer in tokens; an answer that long is graded as it is"
        ),
        .init(
            "temperature",
            \.temperature,
            .number(0.01...10),
            of: [.reinforcement],
            "what answers are drawn at"
        ),
        .init(
            "epsilon",
            \.epsilon,
            .number(0...1),
            of: [.reinforcement],
            "how far below 1 the ratio of new to old probabilities counts"
        ),
        .init(
            "epsilon_high",
            \.epsilonHigh,
            .number(0...1000),
            silence: "`epsilon`",
            of: [.reinforcement],
            "how far above 1 it counts"
        ),
        .init(
            "updates_per_batch",
            \.updatesPerBatch,
            .integer(1...64),
            of: [.reinforcement],
            "optimizer steps on the same answers"
        ),
    ]
}

extension PolicyLoss: HyperparameterValue {}
