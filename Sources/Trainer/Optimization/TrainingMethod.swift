/// How a run learns: OpenAI's `method.type`.
public enum TrainingMethod: String, Sendable, Hashable, CaseIterable {
    /// From examples of right answers.
    case supervised
    /// From pairs of a better and a worse answer.
    case dpo
    /// From answers that are good or bad.
    case kto
    /// From the model's own answers and what a grader makes of them.
    case reinforcement
    /// To score answers, from pairs of a better and a worse one.
    case reward

    /// LLaMA-Factory's word for it.
    var stage: String {
        switch self {
        case .supervised: "sft"
        case .dpo, .kto, .reinforcement: rawValue
        case .reward: "rm"
        }
    }

    /// Whether policy and reference are compared by what they say of answers.
    var comparesAnswers: Bool { self != .supervised && self != .reward }

    /// Whether a score head is trained with the adapter.
    var hasScoreHead: Bool { self == .reward }

    /// What a file for the method holds, in words.
    var dataInWords: String {
        switch self {
        case .supervised: "right answers or texts"
        case .dpo, .reward: "pairs of a better and a worse answer"
        case .kto: "answers that are marked good or bad"
        case .reinforcement:
            "prompts, whose last message is not the assistant's, with the fields its grader names"
        }
    }
}
