import InferenceRuntime

/// What one optimizer step measured; the run's history is a list of these.
package struct StepRecord: Sendable, Hashable {
    /// Optimizer steps done, this one included: 1 for the first.
    package var step: Int
    /// Optimizer steps of the whole run.
    package var totalSteps: Int
    /// Epochs done after this step, with fractions.
    package var epoch: Double
    /// Mean cross-entropy over the trained tokens, in nats.
    package var loss: Double
    /// Share of the trained tokens that were the model's first choice.
    package var accuracy: Double
    /// The learning rate of this step.
    package var learningRate: Double
    /// Global L2 norm of the gradient before clipping.
    package var gradientNorm: Double
    /// Tokens with loss so far.
    package var trainedTokens: Int
    /// Tokens read so far, prompts included.
    package var readTokens: Int
    /// Mean cross-entropy on the validation file, where it was measured after this step.
    package var validLoss: Double?
    /// Token accuracy on the validation file.
    package var validAccuracy: Double?
}

extension StepRecord {
    /// The `data` of a metrics event.
    var metrics: JSONObject {
        var metrics: JSONObject = [
            "step": JSONValue(step),
            "total_steps": JSONValue(totalSteps),
            "train_loss": JSONValue(loss),
            "train_mean_token_accuracy": JSONValue(accuracy),
            "learning_rate": JSONValue(learningRate),
            "grad_norm": JSONValue(gradientNorm),
        ]
        if let validLoss { metrics["valid_loss"] = JSONValue(validLoss) }
        if let validAccuracy {
            metrics["valid_mean_token_accuracy"] = JSONValue(validAccuracy)
        }
        return metrics
    }

    /// The `metrics` of a checkpoint.
    var checkpointMetrics: JSONObject {
        var metrics: JSONObject = [
            "step": JSONValue(step),
            "train_loss": JSONValue(loss),
            "train_mean_token_accuracy": JSONValue(accuracy),
        ]
        if let validLoss, let validAccuracy {
            metrics["valid_loss"] = JSONValue(validLoss)
            metrics["valid_mean_token_accuracy"] = JSONValue(validAccuracy)
            metrics["full_valid_loss"] = JSONValue(validLoss)
            metrics["full_valid_mean_token_accuracy"] = JSONValue(validAccuracy)
        }
        return metrics
    }

    /// How a checkpoint keeps it.
    var json: JSONValue {
        .object([
            "step": JSONValue(step), "total_steps": JSONValue(totalSteps),
            "epoch": JSONValue(epoch), "loss": JSONValue(loss), "accuracy": JSONValue(accuracy),
            "learning_rate": JSONValue(learningRate), "grad_norm": JSONValue(gradientNorm),
            "trained_tokens": JSONValue(trainedTokens), "read_tokens": JSONValue(readTokens),
            "valid_loss": validLoss.map { JSONValue($0) } ?? .null,
            "valid_accuracy": validAccuracy.map { JSONValue($0) } ?? .null,
        ])
    }

    /// Reads back what `json` wrote; `nil` where a value is missing.
    init?(json: JSONValue) {
        guard let step = json["step"]?.int, let total = json["total_steps"]?.int,
            let epoch = json["epoch"]?.double, let loss = json["loss"]?.double,
            let accuracy = json["accuracy"]?.double, let rate = json["learning_rate"]?.double,
            let norm = json["grad_norm"]?.double, let trained = json["trained_tokens"]?.int,
            let read = json["read_tokens"]?.int
        else { return nil }
        self.init(
            step: step,
            totalSteps: total,
            epoch: epoch,
            loss: loss,
            accuracy: accuracy,
            learningRate: rate,
            gradientNorm: norm,
            trainedTokens: trained,
            readTokens: read,
            validLoss: json["valid_loss"]?.double,
            validAccuracy: json["valid_accuracy"]?.double
        )
    }
}
