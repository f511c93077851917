import Foundation
import InferenceRuntime

/// Learning from pairs: DPO and its kin, as TRL and LLaMA-Factory define them.
///
/// A unit's first sequence is the better answer, its second the worse. With Δ = log π − log π_ref of
/// an answer and d = Δ⁺ − Δ⁻ each loss is a function of a pair, and the step's the mean over pairs.
/// Rewards are β·Δ; of the losses without a reference β times the mean log-probability.
struct PreferenceObjective: Objective {
    private let loss: PreferenceLoss
    private let beta: Double
    private let smoothing: Double
    private let gamma: Double
    private let ftx: Double
    private let ldAlpha: Double?
    private let bcoWeight: Double

    init(_ hyperparameters: Hyperparameters) {
        loss = hyperparameters.preferenceLoss
        beta = hyperparameters.beta
        smoothing = hyperparameters.labelSmoothing
        gamma = hyperparameters.simpoGamma
        ftx = hyperparameters.ftx
        ldAlpha = hyperparameters.ldAlpha
        bcoWeight = hyperparameters.bcoWeight
    }

    var needsReference: Bool { loss.needsReference }

    func fixedWeights(_ units: [TrainingUnit]) -> [Float]? { nil }

    func value(_ units: [ScoredUnit], after previous: StepRecord?) -> ObjectiveValue {
        let pairs = units.map(pair)
        let baseline = baseline(pairs, after: previous)
        let divergence = Divergence(pairs)
        var terms = pairs.map { pair -> Term in
            var term = term(pair, divergence)
            if bcoWeight > 0 {
                term = (term + bco(pair, baseline) * bcoWeight) * (1 / (1 + bcoWeight))
            }
            return term
        }
        divergence.spread(over: &terms)
        var value = ObjectiveValue(weights: [], metrics: MetricMeans())
        let share = 1 / Double(max(1, pairs.count))
        for (pair, term) in zip(pairs, terms) {
            value.weights += pair.chosen.weights(
                slope: term.chosen * share,
                meanSlope: -ftx * share
            )
            value.weights += pair.rejected.weights(slope: term.rejected * share)
            note(pair, loss: term.loss - ftx * pair.chosen.mean, in: &value.metrics)
        }
        if bcoWeight > 0 { value.metrics.add(Self.baselineName, sum: baseline, weight: 1) }
        return value
    }

    // MARK: - Pairs

    private struct Pair {
        let chosen: AnswerLikelihood, rejected: AnswerLikelihood
    }

    private func pair(_ unit: ScoredUnit) -> Pair {
        let head = ldAlpha == nil ? Int.max : unit.policy.map(\.count).min() ?? 0
        func answer(_ index: Int) -> AnswerLikelihood {
            AnswerLikelihood(
                unit.policy[index],
                reference: loss.needsReference ? unit.unit.reference?[index] : nil,
                head: head,
                tailShare: ldAlpha ?? 1,
                isPerToken: loss.isPerToken
            )
        }
        return Pair(chosen: answer(0), rejected: answer(1))
    }

    /// A pair's loss and its slopes by the two log-probabilities.
    private struct Term {
        var loss: Double, chosen: Double, rejected: Double
        /// The slopes by the divergences of better and worse answers.
        var chosenDivergence = 0.0, rejectedDivergence = 0.0

        static func + (left: Term, right: Term) -> Term {
            Term(
                loss: left.loss + right.loss,
                chosen: left.chosen + right.chosen,
                rejected: left.rejected + right.rejected,
                chosenDivergence: left.chosenDivergence + right.chosenDivergence,
                rejectedDivergence: left.rejectedDivergence + right.rejectedDivergence
            )
        }

        static func * (term: Term, factor: Double) -> Term {
            Term(
                loss: term.loss * factor,
                chosen: term.chosen * factor,
                rejected: term.rejected * factor,
                chosenDivergence: term.chosenDivergence * factor,
                rejectedDivergence: term.rejectedDivergence * factor
            )
        }
    }

    private func term(_ pair: Pair, _ divergence: Divergence) -> Term {
        let d = pair.chosen.ratio - pair.rejected.ratio
        let (x, wrong) = (beta * d, smoothing)
        func ofDifference(_ loss: Double, _ slope: Double) -> Term {
            Term(loss: loss, chosen: slope, rejected: -slope)
        }
        switch loss {
        case .sigmoid:
            return ofDifference(
                (1 - wrong) * softplus(-x) + wrong * softplus(x),
                beta * (wrong * sigmoid(x) - (1 - wrong) * sigmoid(-x))
            )
        case .robust:
            let scale = 1 / (1 - 2 * wrong)
            return ofDifference(
                scale * ((1 - wrong) * softplus(-x) - wrong * softplus(x)),
                -scale * beta * ((1 - wrong) * sigmoid(-x) + wrong * sigmoid(x))
            )
        case .hinge: return ofDifference(max(0, 1 - x), x < 1 ? -beta : 0)
        case .ipo:
            let distance = d - 1 / (2 * beta)
            return ofDifference(distance * distance, 2 * distance)
        case .simpo:
            return ofDifference(softplus(gamma - x), -beta * sigmoid(gamma - x))
        case .orpo: return oddsRatio(pair)
        case .ktoPair: return divergence.term(pair, beta)
        }
    }

    /// −ℓ⁺ − β·log σ(log odds⁺ − log odds⁻), odds = p/(1 − p) of the mean log-probability ℓ = log p.
    ///
    /// Odds are infinite where an answer is certain, so that ℓ stays a little below 0.
    private func oddsRatio(_ pair: Pair) -> Term {
        func odds(_ mean: Double) -> (log: Double, slope: Double) {
            let mean = min(mean, -1e-7)
            let complement = -expm1(mean)
            return (mean - log(complement), 1 / complement)
        }
        let (better, worse) = (odds(pair.chosen.policy), odds(pair.rejected.policy))
        let ratio = better.log - worse.log
        let pull = beta * sigmoid(-ratio)
        return Term(
            loss: -pair.chosen.policy + beta * softplus(-ratio),
            chosen: -1 - pull * better.slope,
            rejected: pull * worse.slope
        )
    }

    // MARK: - BCO

    private static let baselineName = "bco/baseline"

    /// Binary classifier optimization (Jung and others, 2024) beside the loss, as LLaMA-Factory has
    /// it: better answers above a baseline, worse below.
    private func bco(_ pair: Pair, _ baseline: Double) -> Term {
        let (above, below) = (
            beta * pair.chosen.ratio - baseline, beta * pair.rejected.ratio - baseline
        )
        return Term(
            loss: softplus(-above) + softplus(below),
            chosen: -beta * sigmoid(-above),
            rejected: beta * sigmoid(below)
        )
    }

    /// The mean reward of the steps so far, this one included; a step counts once.
    private func baseline(_ pairs: [Pair], after previous: StepRecord?) -> Double {
        let sum = pairs.reduce(0) { $0 + beta * ($1.chosen.ratio + $1.rejected.ratio) / 2 }
        let mean = sum / Double(max(1, pairs.count))
        guard let previous, let before = previous[Self.baselineName] else { return mean }
        return before + (mean - before) / Double(previous.step + 1)
    }

    // MARK: - KTO on pairs

    /// How far better and worse answers have moved from the reference on average, at least 0.
    ///
    /// TRL's first KTO loss for pairs: the gradient goes through the means.
    private struct Divergence {
        private let chosen: Double, rejected: Double

        init(_ pairs: [Pair]) {
            let count = Double(max(1, pairs.count))
            chosen = pairs.reduce(0) { $0 + $1.chosen.ratio } / count
            rejected = pairs.reduce(0) { $0 + $1.rejected.ratio } / count
        }

        func term(_ pair: Pair, _ beta: Double) -> Term {
            let good = sigmoid(beta * (pair.chosen.ratio - max(0, rejected)))
            let bad = sigmoid(beta * (max(0, chosen) - pair.rejected.ratio))
            let (goodSlope, badSlope) = (
                beta * good * (1 - good) / 2, beta * bad * (1 - bad) / 2
            )
            return Term(
                loss: 1 - (good + bad) / 2,
                chosen: -goodSlope,
                rejected: badSlope,
                chosenDivergence: chosen > 0 ? -badSlope : 0,
                rejectedDivergence: rejected > 0 ? goodSlope : 0
            )
        }

        /// Adds what each pair does to the others' losses through the means.
        func spread(over terms: inout [Term]) {
            let count = Double(max(1, terms.count))
            let (better, worse) = (
                terms.reduce(0) { $0 + $1.chosenDivergence } / count,
                terms.reduce(0) { $0 + $1.rejectedDivergence } / count
            )
            for index in terms.indices {
                terms[index].chosen += better
                terms[index].rejected += worse
            }
        }
    }

    // MARK: - Metrics

    /// TRL's names.
    private func note(_ pair: Pair, loss: Double, in metrics: inout MetricMeans) {
        let (better, worse) = (beta * pair.chosen.ratio, beta * pair.rejected.ratio)
        let values = [
            ("loss", loss), ("rewards/chosen", better), ("rewards/rejected", worse),
            ("rewards/accuracies", better > worse ? 1 : 0), ("rewards/margins", better - worse),
            ("logps/chosen", pair.chosen.policy), ("logps/rejected", pair.rejected.policy),
        ]
        for (name, value) in values { metrics.add(name, sum: value, weight: 1) }
        guard self.loss == .orpo else { return }
        metrics.add("sft_loss", sum: -pair.chosen.policy, weight: 1)
        let ratio = oddsRatio(pair).loss + pair.chosen.policy
        metrics.add("odds_ratio_loss", sum: beta > 0 ? ratio / beta : 0, weight: 1)
    }
}
