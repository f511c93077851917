extension Hyperparameters {
    /// The loss of the method, with its constants.
    var objective: any Objective {
        switch method {
        case .supervised: SupervisedObjective()
        case .dpo: PreferenceObjective(self)
        case .kto: FeedbackObjective(self)
        case .reinforcement: PolicyObjective(self)
        }
    }
}
