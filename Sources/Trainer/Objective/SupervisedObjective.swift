import InferenceRuntime

/// Cross-entropy: Σ w · −log p / Σ w over all targets of the step, w the weight of each token.
package struct SupervisedObjective: Objective {
    package init() {}

    package var needsReference: Bool { false }

    package func fixedWeights(_ units: [TrainingUnit]) -> [Float]? {
        let scale = 1 / units.reduce(0) { $0 + $1.weight }
        return units.flatMap { unit in
            unit.sequences.flatMap { sequence in
                TrainingUnit.targets(of: sequence).map { place in
                    Float(Double(sequence.weights[place]) * scale)
                }
            }
        }
    }

    /// Accuracy counts the fully trained tokens: prompts with a small weight are left out.
    package func value(_ units: [ScoredUnit], after _: StepRecord?) -> ObjectiveValue {
        var loss = 0.0
        var (correct, trained) = (0, 0)
        for scored in units {
            for (sequence, scores) in zip(scored.unit.sequences, scored.policy) {
                for (place, score) in zip(TrainingUnit.targets(of: sequence), scores) {
                    let weight = sequence.weights[place]
                    loss -= Double(weight) * Double(score.logProbability)
                    guard weight == 1 else { continue }
                    trained += 1
                    correct += score.isCorrect ? 1 : 0
                }
            }
        }
        var metrics = MetricMeans()
        metrics.add("loss", sum: loss, weight: units.reduce(0) { $0 + $1.unit.weight })
        metrics.add("mean_token_accuracy", sum: Double(correct), weight: Double(trained))
        return ObjectiveValue(weights: [], metrics: metrics)
    }
}
