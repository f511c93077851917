import InferenceRuntime

extension RunCheckpoint {
    /// What must be the same for a run to go on with the same bits, by what a person calls it.
    static func fingerprint(
        of plan: TrainingPlan,
        on model: Transformer,
        _ context: ComputeContext,
        from parent: String?
    ) -> Fingerprint {
        [
            "base model": model.baseHash,
            "compute dtype": context.dtype.rawValue,
            "training data": plan.dataHash,
            "tokenizer or chat template": plan.encodingHash,
            "hyperparameters": JSONValue.object(plan.hyperparameters.json).serialized,
            "starting adapter": parent ?? "",
        ]
    }
}
