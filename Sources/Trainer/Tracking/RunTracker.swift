public import InferenceRuntime

/// Where a run's numbers are shown while it goes on: files, or another server.
///
/// What it throws is told once and never ends the run.
public protocol RunTracker: Sendable {
    /// What it is called in messages.
    var name: String { get }
    /// The run begins, or goes on behind `step` steps that an earlier part has done.
    func begin(_ run: TrackedRun, after step: Int) async throws
    /// Numbers of steps, in order.
    func log(_ steps: [TrackedMetrics]) async throws
    /// The run is over, or left off.
    func end(_ result: TrackedResult) async throws
}

/// What is known of a run when it begins.
public struct TrackedRun: Sendable, Hashable {
    /// What its owner calls it.
    public let name: String
    /// Every hyperparameter as resolved.
    public let parameters: JSONObject
    /// Facts about the base.
    public let model: JSONObject

    /// What is known of a run.
    public init(name: String, parameters: JSONObject, model: JSONObject) {
        self.name = name
        self.parameters = parameters
        self.model = model
    }
}

/// The numbers of one step, by the names transformers logs them under.
public struct TrackedMetrics: Sendable, Hashable {
    /// A number by its name, without `train/` or `eval/`.
    public struct Entry: Sendable, Hashable {
        /// Such as `loss`, `eval_loss`, `learning_rate`.
        public let name: String
        /// The number, which is finite.
        public let value: Double

        /// transformers' name with a folder before it, as its callbacks rewrite it.
        public var filed: String {
            name.hasPrefix("eval_") ? "eval/" + name.dropFirst(5) : "train/" + name
        }
    }

    /// Optimizer steps done.
    public let step: Int
    /// The numbers.
    public let entries: [Entry]

    init(step: Int, _ values: [(name: String, value: Double)]) {
        self.step = step
        entries = values.filter { $0.value.isFinite }.map { Entry(name: $0.name, value: $0.value) }
    }

    /// The numbers of a step.
    init(_ record: StepRecord) {
        var values = [
            (name: "loss", value: record.loss), ("grad_norm", record.gradientNorm),
            ("learning_rate", record.learningRate), ("epoch", record.epoch),
            ("num_input_tokens_seen", Double(record.readTokens)),
        ]
        if let accuracy = record.accuracy { values.append(("mean_token_accuracy", accuracy)) }
        let named = [StepRecord.lossName, StepRecord.accuracyName]
        for metric in record.metrics where !named.contains(metric.name) {
            values.append((metric.name, metric.value))
        }
        for metric in record.validation {
            let name = metric.name.hasPrefix("valid_") ? metric.name.dropFirst(6) : metric.name[...]
            values.append(("eval_" + name, metric.value))
        }
        self.init(step: record.step, values)
    }
}

/// How a run ended.
public struct TrackedResult: Sendable, Hashable {
    /// Whether all steps are done; a run that left off may go on.
    public let isFinished: Bool
    /// What sums it up: `train_loss`, `train_runtime` …; empty where it left off.
    public let metrics: TrackedMetrics
}
