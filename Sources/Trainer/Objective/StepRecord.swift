package import InferenceRuntime

/// What one optimizer step measured; the run's history is a list of these.
package struct StepRecord: Sendable, Hashable {
    /// A number by the name it has in events.
    package struct Metric: Sendable, Hashable {
        package let name: String
        package let value: Double
    }

    /// Optimizer steps done, this one included: 1 for the first.
    package var step: Int
    /// Optimizer steps of the whole run.
    package var totalSteps: Int
    /// Epochs done after this step, with fractions.
    package var epoch: Double
    /// The learning rate of this step.
    package var learningRate: Double
    /// Global L2 norm of the gradient before clipping.
    package var gradientNorm: Double
    /// Tokens with loss so far.
    package var trainedTokens: Int
    /// Tokens read so far, prompts included.
    package var readTokens: Int
    /// The loss of the step and what the method reports beside it, in the method's order.
    package var metrics: [Metric]
    /// The same on the validation data, where it was measured after this step.
    package var validation: [Metric] = []
    /// What the method tells of the step beside numbers, by the names it has in events.
    package var details = JSONObject()

    /// The loss of the step: of supervised training the mean cross-entropy in nats.
    package var loss: Double { self[Self.lossName] ?? .nan }
    /// Share of the trained tokens that were the model's first choice, where the method counts it.
    package var accuracy: Double? { self[Self.accuracyName] }
    /// The loss on the validation data.
    package var validLoss: Double? { self["valid_loss"] }
    /// Token accuracy on the validation data; of a reward model the share of pairs in their order.
    package var validAccuracy: Double? {
        self["valid_mean_token_accuracy"] ?? self["valid_accuracy"]
    }

    static let lossName = "train_loss"
    static let accuracyName = "train_mean_token_accuracy"

    /// The metric of that name.
    subscript(name: String) -> Double? {
        (metrics + validation).first { $0.name == name }?.value
    }

    /// Names a step's means as events call them: OpenAI's two by `train_`, a method's own as they
    /// are; on validation data all by `valid_`.
    static func metrics(_ means: MetricMeans, isValidation: Bool) -> [Metric] {
        means.means.map { name, value in
            let isShared = name == "loss" || name == "mean_token_accuracy"
            let prefix = isValidation ? "valid_" : isShared ? "train_" : ""
            return Metric(name: prefix + name, value: value)
        }
    }
}

extension StepRecord {
    /// The `data` of a metrics event.
    var eventData: JSONObject {
        var data: JSONObject = ["step": JSONValue(step), "total_steps": JSONValue(totalSteps)]
        let shared = [Self.lossName, Self.accuracyName]
        for metric in metrics where shared.contains(metric.name) {
            data[metric.name] = JSONValue(metric.value)
        }
        data["learning_rate"] = JSONValue(learningRate)
        data["grad_norm"] = JSONValue(gradientNorm)
        for metric in metrics + validation { data[metric.name] = JSONValue(metric.value) }
        for (name, value) in details.members { data[name] = value }
        return data
    }

    /// The `metrics` of a checkpoint.
    var checkpointMetrics: JSONObject {
        var data: JSONObject = ["step": JSONValue(step)]
        for metric in metrics + validation { data[metric.name] = JSONValue(metric.value) }
        for metric in validation where data["full_" + metric.name] == nil {
            data["full_" + metric.name] = JSONValue(metric.value)
        }
        return data
    }

    /// How a checkpoint keeps it.
    var json: JSONValue {
        var json: JSONObject = [
            "step": JSONValue(step), "total_steps": JSONValue(totalSteps),
            "epoch": JSONValue(epoch), "learning_rate": JSONValue(learningRate),
            "grad_norm": JSONValue(gradientNorm), "trained_tokens": JSONValue(trainedTokens),
            "read_tokens": JSONValue(readTokens), "metrics": Self.json(metrics),
            "validation": Self.json(validation),
        ]
        if !details.members.isEmpty { json["details"] = .object(details) }
        return .object(json)
    }

    /// Reads back what `json` wrote, now or before metrics had names; `nil` where a value is
    /// missing.
    init?(json: JSONValue) {
        guard let step = json["step"]?.int, let total = json["total_steps"]?.int,
            let epoch = json["epoch"]?.double, let rate = json["learning_rate"]?.double,
            let norm = json["grad_norm"]?.double, let trained = json["trained_tokens"]?.int,
            let read = json["read_tokens"]?.int
        else { return nil }
        self.init(
            step: step,
            totalSteps: total,
            epoch: epoch,
            learningRate: rate,
            gradientNorm: norm,
            trainedTokens: trained,
            readTokens: read,
            metrics: Self.metrics(json["metrics"])
                ?? Self.metrics(
                    json,
                    [("loss", Self.lossName), ("accuracy", Self.accuracyName)]
                ),
            validation: Self.metrics(json["validation"])
                ?? Self.metrics(
                    json,
                    [
                        ("valid_loss", "valid_loss"),
                        ("valid_accuracy", "valid_mean_token_accuracy"),
                    ]
                )
        )
        details = json["details"]?.object ?? JSONObject()
        guard self[Self.lossName] != nil else { return nil }
    }

    private static func json(_ metrics: [Metric]) -> JSONValue {
        .object(JSONObject(metrics.map { (key: $0.name, value: JSONValue($0.value)) }))
    }

    private static func metrics(_ json: JSONValue?) -> [Metric]? {
        json?.object?.members.compactMap { member in
            member.value.double.map { Metric(name: member.key, value: $0) }
        }
    }

    private static func metrics(
        _ json: JSONValue,
        _ names: [(old: String, new: String)]
    ) -> [Metric] {
        names.compactMap { old, new in
            json[old]?.double.map { Metric(name: new, value: $0) }
        }
    }
}
