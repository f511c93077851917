import InferenceRuntime

extension TrainingPlan {
    /// What the run would do: every hyperparameter as resolved, sizes, and notes.
    ///
    /// - Parameters:
    ///   - stage: LLaMA-Factory's word for what is learned.
    ///   - memory: Bytes of the run and the weights.
    ///   - notes: Sentences, with the key each is about.
    func description(
        stage: String,
        memory: Int,
        notes: [TrainConfiguration.Note]
    ) -> JSONObject {
        let resolved = resolvedHyperparameters
        return [
            "stage": .string(stage),
            "hyperparameters": .object(resolved.json),
            "examples": JSONValue(data.training.count),
            "validation_examples": JSONValue(validation.count),
            "tokens": JSONValue(data.totals.tokens),
            "trained_tokens": JSONValue(data.totals.trainedTokens),
            "steps_per_epoch": JSONValue(stepsPerEpoch),
            "total_steps": JSONValue(totalSteps),
            "warmup_steps": JSONValue(resolved.warmupSteps ?? 0),
            "memory_bytes": JSONValue(memory),
            "notes": .array(
                notes.map { ["key": .string($0.key), "note": .string($0.description)] }
            ),
        ]
    }

    /// The plan's warnings as notes.
    var warningNotes: [TrainConfiguration.Note] {
        warnings.map { TrainConfiguration.Note("learning_rate", $0) }
    }
}
