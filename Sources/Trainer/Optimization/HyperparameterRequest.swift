public import InferenceRuntime

/// A hyperparameter that cannot be honoured.
public struct HyperparameterError: Error, Sendable, Hashable {
    /// The name on the wire.
    public let name: String
    /// What is wrong and what would be right.
    public let message: String
}

/// The hyperparameters a client sent: what is silent or `auto` is resolved against the data.
public struct HyperparameterRequest: Sendable, Hashable {
    /// The members by name; `auto` and `null` are left out.
    private var values: [String: JSONValue] = [:]
    /// The method whose hyperparameters they are.
    public let method: TrainingMethod

    /// Who asks: others of a server, or the one whose machine it is.
    public enum Source: Sendable {
        /// A client of a server.
        case request
        /// A file that is trained from alone, with wider ranges.
        case file
    }

    /// A request that leaves everything to the defaults.
    public init(of method: TrainingMethod = .supervised) { self.method = method }

    /// Reads an object of hyperparameters.
    /// - Throws: `HyperparameterError` for an unknown name, one of another method, a wrong type or a
    ///   value out of range.
    public init(
        json: JSONObject,
        of method: TrainingMethod = .supervised,
        from source: Source = .request
    ) throws(HyperparameterError) {
        self.method = method
        try Self.checkNames(json, of: method)
        for (name, value) in json.members where !value.isNull && value.string != "auto" {
            let row = Hyperparameter.named[name]
            let rule = source == .file ? row?.fileRule : row?.rule
            if let problem = rule?.problem(with: value) {
                throw HyperparameterError(name: name, message: "'\(name)' \(problem).")
            }
            values[name] = value
        }
        if values["warmup_ratio"]?.double ?? 0 > 0 || values["warmup_steps"]?.int ?? 0 > 0,
            values["lr_scheduler_type"]?.string == LearningRateSchedule.Kind.constant.rawValue
        {
            throw HyperparameterError(
                name: "lr_scheduler_type",
                message: "'constant' has no warm-up; use 'constant_with_warmup'."
            )
        }
        try checkScheduleOptions()
        try checkLoss()
        try checkLossOfPairs()
    }

    /// A schedule takes its own arguments and no others, as in transformers.
    private func checkScheduleOptions() throws(HyperparameterError) {
        let kind = resolved(examples: 1, seed: 0).schedule
        for (name, _) in values["lr_scheduler_kwargs"]?.object?.members ?? []
        where !kind.optionNames.contains(name) {
            let known = kind.optionNames.map { "'\($0)'" }.joined(separator: ", ")
            throw HyperparameterError(
                name: "lr_scheduler_kwargs",
                message: "'lr_scheduler_kwargs': the schedule '\(kind.rawValue)' takes "
                    + (known.isEmpty ? "no arguments" : known) + ", not '\(name)'."
            )
        }
    }

    /// Refuses names that are not in the table, the first few by name.
    public static func checkNames(
        _ json: JSONObject,
        of method: TrainingMethod
    ) throws(HyperparameterError) {
        let unknown = json.members.filter { Hyperparameter.named[$0.key] == nil }
        guard let first = unknown.first?.key.prefix(80) else {
            return try checkMethods(json, method)
        }
        let names = unknown.prefix(8).map { "'\($0.key.prefix(80))'" }.joined(separator: ", ")
        let more = unknown.count > 8 ? " and \(unknown.count - 8) more" : ""
        let known = Hyperparameter.all.filter { $0.methods.contains(method) }
            .map(\.name).sorted().joined(separator: ", ")
        throw HyperparameterError(
            name: String(first),
            message: "Unknown hyperparameters: \(names)\(more). Known are: \(known)."
        )
    }

    /// Refuses what belongs to other methods.
    private static func checkMethods(
        _ json: JSONObject,
        _ method: TrainingMethod
    ) throws(HyperparameterError) {
        for (name, value) in json.members where !value.isNull {
            guard let row = Hyperparameter.named[name], !row.methods.contains(method) else {
                continue
            }
            let methods = row.methods.map { "'\($0.rawValue)'" }.joined(separator: " and ")
            throw HyperparameterError(
                name: name,
                message:
                    "'\(name)' is of the method \(methods), not of '\(method.rawValue)': leave "
                    + "it out."
            )
        }
    }

    /// Refuses the loss of another method, and what no loss of pairs can do without.
    private func checkLoss() throws(HyperparameterError) {
        let words =
            method == .reinforcement
            ? PolicyLoss.allCases.map(\.rawValue) : PreferenceLoss.allCases.map(\.rawValue)
        if let word = values["loss"]?.string, !words.contains(word) {
            throw HyperparameterError(
                name: "loss",
                message: "'loss' of the method '\(method.rawValue)' must be one of: "
                    + words.joined(separator: ", ") + "."
            )
        }
        if method != .reinforcement, let beta = values["beta"]?.double, beta < 1e-6 {
            throw HyperparameterError(
                name: "beta",
                message: "'beta' of the method '\(method.rawValue)' must be at least 1e-6."
            )
        }
        if method == .reinforcement, values["packing"] == true {
            throw HyperparameterError(
                name: "packing",
                message: "'packing' has no place in 'reinforcement': leave it out."
            )
        }
    }

    /// Refuses what the loss of pairs has no place for.
    private func checkLossOfPairs() throws(HyperparameterError) {
        let chosen = resolved(examples: 1, seed: 0)
        let word = chosen.preferenceLoss.rawValue
        if chosen.labelSmoothing > 0, !chosen.preferenceLoss.takesSmoothing {
            throw HyperparameterError(
                name: "label_smoothing",
                message: "'label_smoothing' is of the losses 'sigmoid' and 'robust', not of "
                    + "'\(word)': leave it out."
            )
        }
        if chosen.labelSmoothing >= 0.5, chosen.preferenceLoss == .robust {
            throw HyperparameterError(
                name: "label_smoothing",
                message: "'label_smoothing' must be below 0.5 with the loss 'robust'."
            )
        }
        if chosen.bcoWeight > 0, !chosen.preferenceLoss.needsReference {
            throw HyperparameterError(
                name: "bco_weight",
                message: "'bco_weight' needs a reference, which the loss '\(word)' does not have: "
                    + "leave it out."
            )
        }
    }

    /// Values that were checked when they came.
    init(stored json: JSONObject, of method: TrainingMethod) {
        self.method = method
        for (name, value) in json.members where !value.isNull { values[name] = value }
    }

    /// What was sent, without what was left to the defaults; names in alphabetical order.
    public var json: JSONObject {
        JSONObject(values.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) })
    }

    /// Every value resolved for a training file of `examples` examples.
    ///
    /// `auto` epochs follow OpenAI's published rule: three, more for very small files so that about
    /// a hundred examples are seen. The `auto` batch grows with the file to at most 8.
    /// - Parameter seed: The job's seed, where the hyperparameters name none.
    public func resolved(examples: Int, seed: Int) -> Hyperparameters {
        var resolved = Hyperparameters()
        resolved.method = method
        resolved.epochs = Double(min(25, max(3, 100 / max(1, examples))))
        resolved.batchSize = min(8, max(1, examples / 16))
        resolved.seed = seed
        for row in Hyperparameter.all {
            if let value = values[row.name] { row.set(&resolved, value) }
        }
        if values["lora_alpha"] == nil { resolved.alpha = Double(2 * resolved.rank) }
        if values["learning_rate"] == nil {
            resolved.learningRate =
                Hyperparameters.baseLearningRate * resolved.learningRateMultiplier
        } else if values["learning_rate_multiplier"] == nil {
            resolved.learningRateMultiplier =
                resolved.learningRate / Hyperparameters.baseLearningRate
        }
        if values["warmup_ratio"] == nil, resolved.schedule == .constant {
            resolved.warmupRatio = 0
        }
        if resolved.neftuneAlpha == 0 { resolved.neftuneAlpha = nil }
        if resolved.ldAlpha == 1 { resolved.ldAlpha = nil }
        if method == .reinforcement, values["beta"] == nil {
            resolved.beta = resolved.policyLoss.defaultBeta
        }
        // Policy and reference are compared as they answer, as TRL and LLaMA-Factory do.
        if method.comparesAnswers { resolved.dropout = 0 }
        resolved.gradientAccumulationSteps = min(
            resolved.batchSize,
            resolved.gradientAccumulationSteps
        )
        return resolved
    }
}
