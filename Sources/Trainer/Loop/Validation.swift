import Storage
import InferenceRuntime

/// An objective measured over data, without gradients.
struct Validation {
    let objective: any Objective
    let place: MicroBatch.Place
    let adapters: AdapterMix

    /// Measures all units, as many at a time as fit into a pass.
    /// - Parameters:
    ///   - record: The step of a run they are measured after.
    ///   - show: Gets the number of units that are done.
    ///   - broken: The error for a unit, by its line, whose loss is no number.
    func measure(
        _ units: any TrainingUnits,
        after record: StepRecord? = nil,
        show: (Int) -> Void = { _ in },
        broken: (Int) -> any Error
    ) throws -> MetricMeans {
        var metrics = MetricMeans()
        var done = 0
        while done < units.count {
            let part = try place.workspace.fitting(units, from: done)
            let pass = MicroBatch(part, adapters: adapters, target: objective.target)
            try pass.forward(PassOptions(isForGradients: false), place)
            let scores = try pass.scores(place)
            if let line = pass.brokenLine(scores) { throw broken(line) }
            var rest = scores[...]
            let scored = part.map { $0.scored(&rest, at: objective.target) }
            metrics.add(objective.value(scored, after: record).metrics)
            done += part.count
            show(done)
        }
        return metrics
    }
}
