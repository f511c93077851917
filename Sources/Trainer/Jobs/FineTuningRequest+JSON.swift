import InferenceRuntime

/// How the store keeps a request.
extension FineTuningRequest {
    var json: JSONObject {
        let entries = metadata.map { (key: $0.key, value: JSONValue.string($0.value)) }
        var json: JSONObject = [
            "base": .string(base),
            "parent": parent.map(JSONValue.string) ?? .null,
            "training_file": .string(trainingFile),
            "validation_file": validationFile.map(JSONValue.string) ?? .null,
            "method": .string(method.rawValue),
            "hyperparameters": .object(hyperparameters.json),
            "suffix": suffix.map(JSONValue.string) ?? .null,
            "seed": JSONValue(seed),
            "metadata": .object(JSONObject(entries)),
            "legacy": .bool(isLegacy),
            "storage_limit": storageLimit.map { JSONValue($0) } ?? .null,
            "integrations": .array(integrations.map(\.json)),
        ]
        json["grader"] = grader
        return json
    }

    init(stored json: JSONValue) throws(HyperparameterError) {
        self.init(
            base: json["base"]?.string ?? "",
            parent: json["parent"]?.string,
            trainingFile: json["training_file"]?.string ?? "",
            validationFile: json["validation_file"]?.string,
            hyperparameters: try HyperparameterRequest(
                json: json["hyperparameters"]?.object ?? [:],
                of: Self.method(json["method"]?.string)
            ),
            suffix: json["suffix"]?.string,
            seed: json["seed"]?.int ?? 0,
            metadata: (json["metadata"]?.object?.members ?? []).map {
                MetadataEntry(key: $0.key, value: $0.value.string ?? "")
            },
            isLegacy: json["legacy"]?.bool ?? false,
            storageLimit: json["storage_limit"]?.int
        )
        grader = json["grader"]
        integrations = (json["integrations"]?.array ?? []).compactMap(WandbIntegration.init)
    }

    /// Requests from before there was a choice are supervised.
    private static func method(_ name: String?) throws(HyperparameterError) -> TrainingMethod {
        guard let name else { return .supervised }
        guard let method = TrainingMethod(rawValue: name) else {
            throw HyperparameterError(name: "method", message: "The method '\(name)' is not known.")
        }
        return method
    }
}
