extension Hyperparameters {
    /// What a new score head is drawn from; `nil` where the method has none.
    var scoreHeadSeed: Int? { method.hasScoreHead ? seed : nil }

    /// The loss of the method, with its constants.
    var objective: any Objective {
        switch method {
        case .supervised: SupervisedObjective()
        case .dpo: PreferenceObjective(self)
        case .kto: FeedbackObjective(self)
        case .reinforcement: PolicyObjective(self)
        case .reward: RewardObjective()
        }
    }
}
