import InferenceRuntime

extension Architecture {
    /// What trackers show of a base.
    func summary(named name: String) -> JSONObject {
        [
            "base": .string(name), "hidden_size": JSONValue(hiddenSize),
            "num_hidden_layers": JSONValue(layers.count),
            "vocab_size": JSONValue(vocabularySize),
            "max_position_embeddings": JSONValue(contextLength),
        ]
    }
}
