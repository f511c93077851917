public import InferenceRuntime

extension Hyperparameters {
    /// The object the job echoes: OpenAI's three names first, then the extensions.
    public var json: JSONObject {
        JSONObject(
            Hyperparameter.all.compactMap { row in
                row.value(self).map { (key: row.name, value: $0) }
            }
        )
    }

    /// Reads back what `json` wrote, as the job store and checkpoints keep it.
    ///
    /// A name that is missing has its default: it was written before there was such a name.
    public init(stored json: JSONObject, of method: TrainingMethod = .supervised) {
        self = HyperparameterRequest(stored: json, of: method).resolved(examples: 1, seed: 0)
    }
}
