import Foundation
import InferenceRuntime

/// How likely an answer is to the policy and to the reference: sums over its tokens.
struct AnswerLikelihood {
    /// Tokens that are scored.
    let count: Int
    /// log π(y|x), as the loss takes it: of some tokens a part, or the mean.
    let policy: Double
    /// The same of the reference; 0 where there is none.
    let reference: Double
    /// The mean of the policy's log-probabilities, whatever the loss takes.
    let mean: Double
    private let head: Int
    private let tailShare: Double
    private let scale: Double

    /// log π − log π_ref.
    var ratio: Double { policy - reference }

    /// - Parameters:
    ///   - head: So many tokens count in full.
    ///   - tailShare: What each token after them counts.
    ///   - isPerToken: Whether the sum is divided by the number of tokens.
    init(
        _ scores: ArraySlice<TokenScore>,
        reference: [Float]?,
        head: Int = .max,
        tailShare: Double = 1,
        isPerToken: Bool = false
    ) {
        count = scores.count
        scale = isPerToken ? 1 / Double(max(1, count)) : 1
        self.head = head
        self.tailShare = tailShare
        let share = { (place: Int) in place < head ? 1 : tailShare }
        policy =
            scale
            * scores.enumerated().reduce(0) { sum, token in
                sum + share(token.offset) * Double(token.element.logProbability)
            }
        self.reference =
            scale
            * (reference ?? []).enumerated().reduce(0) { sum, token in
                sum + share(token.offset) * Double(token.element)
            }
        mean =
            scores.reduce(0) { $0 + Double($1.logProbability) } / Double(max(1, scores.count))
    }

    /// ∂loss/∂(−log p) of each token.
    /// - Parameters:
    ///   - slope: ∂loss/∂`policy`.
    ///   - meanSlope: ∂loss/∂`mean`.
    func weights(slope: Double, meanSlope: Double = 0) -> [Float] {
        (0..<count).map { place in
            let share = (place < head ? 1 : tailShare) * scale
            return Float(-slope * share - meanSlope / Double(count))
        }
    }
}

/// log(1 + eˣ), which is −log σ(−x), without overflow.
func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

/// The logistic function.
func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
