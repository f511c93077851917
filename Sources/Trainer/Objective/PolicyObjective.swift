import Foundation
import InferenceRuntime

/// Learning from the model's own answers: GRPO and its kin, as TRL 1.16 defines them.
///
/// A unit is one answer with its advantage A. With the ratio ρ = exp(log π − log π_old), of each token
/// or of the answer as a whole, the loss is −min(ρA, clip(ρ, 1 − ε, 1 + ε_high)A), and beside it β
/// times the divergence from the reference, exp(d) − d − 1 with d = log π_ref − log π (Schulman's k3).
struct PolicyObjective: Objective {
    private let loss: PolicyLoss
    private let beta: Double
    private let clip: ClosedRange<Double>
    private let maxCompletionTokens: Double

    init(_ hyperparameters: Hyperparameters) {
        loss = hyperparameters.policyLoss
        beta = loss.penalizesReward ? 0 : hyperparameters.beta
        let high = hyperparameters.epsilonHigh ?? hyperparameters.epsilon
        clip = (1 - hyperparameters.epsilon)...(1 + high)
        maxCompletionTokens = Double(hyperparameters.maxCompletionTokens)
    }

    /// What the reference says of an answer comes with it.
    var needsReference: Bool { false }

    func fixedWeights(_ units: [TrainingUnit]) -> [Float]? { nil }

    func value(_ units: [ScoredUnit], after _: StepRecord?) -> ObjectiveValue {
        let answers = units.map(Answer.init)
        let tokens = Double(max(1, answers.reduce(0) { $0 + $1.count }))
        var value = ObjectiveValue(weights: [], metrics: MetricMeans())
        var (sum, divergence, clipped) = (0.0, 0.0, 0)
        for answer in answers {
            let share = tokenShare(of: answer, among: answers.count, tokens: tokens)
            var weights = [Float](repeating: 0, count: answer.count)
            for (place, distance) in answer.distances.enumerated() {
                let k3 = exp(distance) - distance - 1
                divergence += k3
                sum += beta * share * k3
                weights[place] = Float(beta * share * (exp(distance) - 1))
            }
            for action in actions(of: answer, tokenShare: share, among: answers.count) {
                let ratio = exp(action.logRatio)
                let gain = ratio * answer.advantage
                let held = min(max(ratio, clip.lowerBound), clip.upperBound) * answer.advantage
                sum -= action.share * min(gain, held)
                guard gain <= held else {
                    clipped += action.tokens.count
                    continue
                }
                let slope = Float(action.share * gain * action.slope)
                for place in action.tokens { weights[place] += slope }
            }
            value.weights += weights
        }
        let count = Double(max(1, units.count))
        value.metrics.add("loss", sum: sum * count, weight: count)
        value.metrics.add("kl", sum: divergence, weight: tokens)
        value.metrics.add("clip_ratio/region_mean", sum: Double(clipped), weight: tokens)
        return value
    }

    /// An answer's log-probabilities.
    private struct Answer {
        let advantage: Double
        /// log π − log π_old of each token.
        let logRatios: [Double]
        /// log π_ref − log π of each token; empty where there is no reference.
        let distances: [Double]

        var count: Int { logRatios.count }

        init(_ scored: ScoredUnit) {
            let policy = scored.policy.joined().map { Double($0.logProbability) }
            let rollout = scored.unit.rollout
            advantage = rollout?.advantage ?? 0
            // Where the model is still the one that answered, each ratio is 1 whatever its value.
            logRatios =
                rollout?.behavior.map { old in zip(policy, old).map { $0 - Double($1) } }
                ?? policy.map { _ in 0 }
            distances = zip(policy, scored.unit.reference?.first ?? []).map { Double($1) - $0 }
        }
    }

    /// What is held within the clip as one: a token, or an answer.
    private struct Action {
        let tokens: Range<Int>
        let logRatio: Double
        /// Its part of the loss.
        let share: Double
        /// ∂`logRatio`/∂log π of each of its tokens.
        let slope: Double
    }

    private func actions(
        of answer: Answer,
        tokenShare: Double,
        among count: Int
    ) -> [Action] {
        let length = Double(max(1, answer.count))
        let sum = answer.logRatios.reduce(0, +)
        func whole(_ logRatio: Double, slope: Double) -> [Action] {
            let share = 1 / Double(max(1, count))
            return [
                Action(
                    tokens: 0..<answer.count,
                    logRatio: logRatio,
                    share: share,
                    slope: slope
                )
            ]
        }
        switch loss {
        case .rloo: return whole(sum, slope: 1)
        case .gspo: return whole(sum / length, slope: 1 / length)
        case .grpo, .dapo, .drGRPO:
            return answer.logRatios.enumerated().map { place, logRatio in
                Action(tokens: place..<place + 1, logRatio: logRatio, share: tokenShare, slope: 1)
            }
        }
    }

    /// A token's part of the loss.
    private func tokenShare(of answer: Answer, among count: Int, tokens: Double) -> Double {
        let answers = Double(max(1, count))
        switch loss {
        case .grpo, .gspo, .rloo: return 1 / (answers * Double(max(1, answer.count)))
        case .dapo: return 1 / tokens
        case .drGRPO: return 1 / (answers * maxCompletionTokens)
        }
    }
}
