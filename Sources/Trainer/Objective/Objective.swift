package import InferenceRuntime

/// What a loss is a function of.
package enum ObjectiveTarget: Sendable {
    /// The log-probability of every token after the first whose weight is not 0; a negative weight
    /// marks one that is measured and never learned.
    case tokens
    /// What the adapter's score head says at each sequence's last token.
    case scores
}

/// A loss: what a run minimises, as a function of token log-probabilities or of scores.
///
/// Any such function trains through its gradient used as weights. A pass gives the number of every
/// target; the objective answers with the loss and ∂loss/∂(−log p), or ∂loss/∂score, of every target,
/// and the backward pass takes it from there.
package protocol Objective: Sendable {
    /// What it is a function of.
    var target: ObjectiveTarget { get }

    /// The weights of a step's targets where they do not depend on log-probabilities: one pass
    /// gives scores and gradients at once. `nil` where they do, and the step takes two passes.
    func fixedWeights(_ units: [TrainingUnit]) -> [Float]?

    /// The loss of a whole optimizer step, or of a part of the validation data.
    /// - Parameter previous: The record of the step before; `nil` before the first.
    func value(_ units: [ScoredUnit], after previous: StepRecord?) -> ObjectiveValue

    /// Whether the log-probabilities of a reference model are asked for.
    var needsReference: Bool { get }
}

extension Objective {
    /// Tokens, unless a loss says otherwise.
    package var target: ObjectiveTarget { .tokens }
}

/// A unit, and how the model did at its targets.
package struct ScoredUnit: Sendable {
    /// The tokens and weights.
    package let unit: TrainingUnit
    /// The numbers of each sequence's targets, in order.
    package let policy: [ArraySlice<TokenScore>]
}

/// A loss, its gradient, and what else is worth knowing.
package struct ObjectiveValue: Sendable {
    /// ∂loss/∂(−log p) or ∂loss/∂score of every target: unit after unit, sequence after sequence.
    ///
    /// Empty where `fixedWeights` has them.
    package var weights: [Float]
    /// `loss` first, then what the method reports.
    package var metrics: MetricMeans

    /// The loss.
    var loss: Double { metrics["loss"] ?? .nan }
}

extension TrainingUnit {
    /// The places of a sequence's tokens that are scored.
    static func targets(of sequence: EncodedExample) -> some Sequence<Int> {
        sequence.weights.indices.lazy.filter { $0 > 0 && sequence.weights[$0] != 0 }
    }

    /// Pairs the unit with the next scores, which are taken off the front.
    func scored(
        _ scores: inout ArraySlice<TokenScore>,
        at target: ObjectiveTarget = .tokens
    ) -> ScoredUnit {
        let policy = sequences.map { sequence in
            let count =
                switch target {
                case .tokens: Self.targets(of: sequence).reduce(0) { count, _ in count + 1 }
                case .scores: 1
                }
            defer { scores = scores.dropFirst(count) }
            return scores.prefix(count)
        }
        return ScoredUnit(unit: self, policy: policy)
    }
}
