import InferenceRuntime

/// What a step learns from where it is made while the run goes on, such as the model's own answers.
package struct Experience: Sendable {
    /// The units, in the order in which they are learned from.
    let units: [TrainingUnit]
    /// Numbers about them, for the step's record.
    let metrics: MetricMeans
    /// What there is to tell beside numbers.
    let details: JSONObject
}

/// Makes experience of a run's data.
package protocol ExperienceSource: Sendable {
    /// What the step after `previous` learns from.
    /// - Throws: `CancellationError` where the run is to leave off meanwhile.
    func experience(of run: TrainingRun, after previous: StepRecord?) async throws -> Experience

    /// How the model does on the validation data, after a step.
    /// - Throws: `CancellationError` where the run is to leave off meanwhile.
    func measure(_ run: TrainingRun, after record: StepRecord) async throws -> [StepRecord.Metric]
}
