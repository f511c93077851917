import InferenceRuntime

/// How likely a model finds the targets of some units, without gradients.
struct LikelihoodPass {
    /// The adapters on the base; empty for the base itself.
    let adapters: AdapterMix
    /// Who is asked, in words for an error: `what the reference model says`.
    let what: String

    /// The log-probabilities of each unit's targets, sequence after sequence.
    /// - Parameters:
    ///   - units: As many as fit into a pass.
    ///   - step: The step that asks, for an error.
    /// - Throws: `TrainingRunError` where one is no number, and what the place's `yield` throws.
    func logProbabilities(
        _ units: [TrainingUnit],
        step: Int,
        _ place: MicroBatch.Place
    ) throws -> [[Float]] {
        let pass = MicroBatch(units, adapters: adapters)
        try pass.forward(PassOptions(isForGradients: false), place)
        let scores = try pass.scores(place)
        if let line = pass.brokenLine(scores) {
            throw TrainingRunError.notANumber(step: step, what: what, lines: [line])
        }
        var rest = scores[...]
        return units.map { $0.scored(&rest).policy.joined().map(\.logProbability) }
    }
}
