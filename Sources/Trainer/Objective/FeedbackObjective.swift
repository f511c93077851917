import InferenceRuntime

/// Learning from answers that are good or bad: KTO (Ethayarajh and others, 2024) as TRL and
/// LLaMA-Factory have it.
///
/// A unit's first sequence is the answer, with label 1 where it is good and −1 where it is bad. The
/// second is the same prompt with the answer of another record; what it tells of the divergence z is
/// measured and never learned. With Δ = log π − log π_ref the loss is w·(1 − σ(β(Δ − z))) of a good
/// answer and w·(1 − σ(β(z − Δ))) of a bad one, and the step's the mean over answers.
struct FeedbackObjective: Objective {
    private let beta: Double
    private let desirable: Double
    private let undesirable: Double
    private let ftx: Double

    init(_ hyperparameters: Hyperparameters) {
        beta = hyperparameters.beta
        desirable = hyperparameters.desirableWeight
        undesirable = hyperparameters.undesirableWeight
        ftx = hyperparameters.ftx
    }

    var needsReference: Bool { true }

    func fixedWeights(_ units: [TrainingUnit]) -> [Float]? { nil }

    func value(_ units: [ScoredUnit], after _: StepRecord?) -> ObjectiveValue {
        func likelihood(_ unit: ScoredUnit, _ index: Int) -> AnswerLikelihood {
            AnswerLikelihood(unit.policy[index], reference: unit.unit.reference?[index])
        }
        let count = Double(max(1, units.count))
        let answers = units.map { likelihood($0, 0) }
        let moved = units.reduce(0) { $0 + likelihood($1, 1).ratio } / count
        let divergence = max(0, moved)
        let good = units.count { $0.unit.label > 0 }
        // As LLaMA-Factory weighs it: by the batch over the good answers in it, once more.
        let imitation = good > 0 ? ftx / Double(good) * count / Double(good) : 0
        var value = ObjectiveValue(weights: [], metrics: MetricMeans())
        var loss = 0.0
        for (unit, answer) in zip(units, answers) {
            let isGood = unit.unit.label > 0
            let (sign, weight) = isGood ? (1.0, desirable) : (-1.0, undesirable)
            let trust = sigmoid(sign * beta * (answer.ratio - divergence))
            loss += weight * (1 - trust) / count
            if isGood { loss -= imitation * answer.mean }
            value.weights += answer.weights(
                slope: -sign * weight * beta * trust * (1 - trust) / count,
                meanSlope: isGood ? -imitation : 0
            )
            value.weights += unit.policy[1].map { _ in 0 }
        }
        value.metrics.add("loss", sum: loss * count, weight: count)
        note(units, answers, in: &value.metrics)
        value.metrics.add("kl", sum: divergence * count, weight: count)
        return value
    }

    /// TRL's names; what a step has no answers for is left out.
    private func note(
        _ units: [ScoredUnit],
        _ answers: [AnswerLikelihood],
        in metrics: inout MetricMeans
    ) {
        for (isGood, name) in [(true, "chosen"), (false, "rejected")] {
            let own = zip(units, answers).filter { ($0.0.unit.label > 0) == isGood }.map(\.1)
            guard !own.isEmpty else { continue }
            let count = Double(own.count)
            let reward = own.reduce(0) { $0 + beta * $1.ratio }
            metrics.add("rewards/\(name)", sum: reward, weight: count)
            metrics.add("logps/\(name)", sum: own.reduce(0) { $0 + $1.policy }, weight: count)
        }
        if let better = metrics["rewards/chosen"], let worse = metrics["rewards/rejected"] {
            let count = Double(units.count)
            metrics.add("rewards/margins", sum: (better - worse) * count, weight: count)
        }
    }
}
