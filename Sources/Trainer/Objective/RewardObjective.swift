import Foundation
import InferenceRuntime

/// Learning what answers are better (Bradley and Terry; Ouyang and others, 2022), as LLaMA-Factory's
/// stage `rm` and TRL's RewardTrainer have it.
///
/// A unit is a pair, the better answer first. With r the score head's number at the last token of
/// prompt and answer the loss is −log σ(r⁺ − r⁻), the mean over pairs.
struct RewardObjective: Objective {
    var target: ObjectiveTarget { .scores }

    var needsReference: Bool { false }

    func fixedWeights(_ units: [TrainingUnit]) -> [Float]? { nil }

    func value(_ units: [ScoredUnit], after _: StepRecord?) -> ObjectiveValue {
        let count = Double(max(1, units.count))
        var value = ObjectiveValue(weights: [], metrics: MetricMeans())
        for unit in units {
            let scores = unit.policy.compactMap(\.first?.value).map(Double.init)
            let (better, worse) = (scores.first ?? .nan, scores.last ?? .nan)
            let margin = better - worse
            let slope = Float(-sigmoid(-margin) / count)
            value.weights += [slope, -slope]
            let metrics = [
                ("loss", softplus(-margin)), ("accuracy", margin > 0 ? 1 : 0),
                ("rewards/chosen", better), ("rewards/rejected", worse),
                ("rewards/margins", margin),
            ]
            for (name, number) in metrics { value.metrics.add(name, sum: number, weight: 1) }
        }
        return value
    }
}
