/// How a job learns: OpenAI's `method.type`.
public enum TrainingMethod: String, Sendable, Hashable, CaseIterable {
    /// From examples of right answers.
    case supervised

    /// LLaMA-Factory's word for it.
    var stage: String {
        switch self {
        case .supervised: "sft"
        }
    }

    /// The loss.
    var objective: any Objective {
        switch self {
        case .supervised: SupervisedObjective()
        }
    }
}
