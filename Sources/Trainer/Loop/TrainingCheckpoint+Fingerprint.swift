import InferenceRuntime

extension TrainingCheckpoint {
    /// What must be the same for a run to go on with the same bits, by what a person calls it.
    static func fingerprint(
        of plan: TrainingPlan,
        on model: Transformer,
        _ context: ComputeContext,
        from parent: String?,
        gradedBy grader: JSONValue? = nil
    ) -> Fingerprint {
        var fingerprint = [
            "base model": model.baseHash,
            "compute dtype": context.dtype.rawValue,
            "training data": plan.data.hash,
            "tokenizer or chat template": plan.data.totals.encodingHash,
            "hyperparameters": JSONValue.object(plan.hyperparameters.json).serialized,
            "starting adapter": parent ?? "",
        ]
        // Runs from before there was a choice are supervised, and say nothing of it.
        if plan.hyperparameters.method != .supervised {
            fingerprint["method"] = plan.hyperparameters.method.rawValue
        }
        if let grader { fingerprint["grader"] = grader.serialized }
        return fingerprint
    }

    /// Whether a value of a stored fingerprint says what the value of this run says.
    ///
    /// Hyperparameters are compared by value, and one that the stored text does not know has its
    /// default: so a run that was paused goes on after an upgrade that brought new names.
    static func agree(_ what: String, stored: String?, _ value: String?) -> Bool {
        guard what == "hyperparameters", let stored, let value, stored != value else {
            return stored == value
        }
        let read = { (text: String) in (try? JSONValue(parsing: text))?.object }
        guard let old = read(stored), let new = read(value),
            old.members.allSatisfy({ Hyperparameter.named[$0.key] != nil })
        else { return false }
        return Hyperparameters(stored: old) == Hyperparameters(stored: new)
    }
}
