import InferenceRuntime

/// Sums over targets, in their order.
struct LossSums {
    /// Σ weight × −log probability.
    var loss = 0.0
    /// Σ weight.
    var weight = 0.0
    private var correct = 0
    /// Fully trained tokens.
    private(set) var trained = 0

    /// Mean loss per unit of weight.
    var mean: Double { loss / max(weight, 1e-30) }
    /// Share of the fully trained tokens that were the model's first choice.
    var accuracy: Double { trained > 0 ? Double(correct) / Double(trained) : 0 }

    mutating func add(_ scores: [TokenScore], _ weights: [Float]) {
        for (score, weight) in zip(scores, weights) {
            loss -= Double(weight) * Double(score.logProbability)
            self.weight += Double(weight)
            guard weight == 1 else { continue }
            trained += 1
            correct += score.isCorrect ? 1 : 0
        }
    }
}
