/// The losses of reinforcement, by TRL's words for them.
public enum PolicyLoss: String, Sendable, Hashable, CaseIterable {
    /// GRPO (Shao and others, 2024): the mean over answers of the mean over tokens.
    case grpo
    /// DAPO's (Yu and others, 2025): the mean over all tokens of the batch.
    case dapo
    /// Dr. GRPO's (Liu and others, 2025): over all tokens by the most there could be, and advantages
    /// that are not divided by the rewards' deviation.
    case drGRPO = "dr_grpo"
    /// RLOO (Ahmadian and others, 2024): an answer against the mean of the others of its group, as
    /// one action.
    case rloo
    /// GSPO (Zheng and others, 2025): one ratio for an answer, the mean over its tokens.
    case gspo

    /// Whether the divergence from the reference is taken off the reward, not added to the loss.
    var penalizesReward: Bool { self == .rloo }
    /// How strongly the model is held to the reference where a request does not say.
    var defaultBeta: Double { self == .rloo ? 0.05 : 0 }

    /// How much better each answer of a group is than the group.
    ///
    /// With the sample standard deviation s: (r − mean) / (s + 1e-4); of Dr. GRPO r − mean; of RLOO r
    /// − the mean of the others. A group of one tells nothing.
    func advantages(of rewards: [Double]) -> [Double] {
        let count = Double(rewards.count)
        guard rewards.count > 1 else { return rewards.map { _ in 0 } }
        let mean = rewards.reduce(0, +) / count
        switch self {
        case .rloo: return rewards.map { ($0 - mean) * count / (count - 1) }
        case .drGRPO: return rewards.map { $0 - mean }
        case .grpo, .dapo, .gspo:
            let deviation = Self.deviation(of: rewards)
            return rewards.map { ($0 - mean) / (deviation + 1e-4) }
        }
    }

    /// The sample standard deviation; 0 of one number.
    static func deviation(of numbers: [Double]) -> Double {
        guard numbers.count > 1 else { return 0 }
        let mean = numbers.reduce(0, +) / Double(numbers.count)
        let squares = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (squares / Double(numbers.count - 1)).squareRoot()
    }
}
