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

    /// LLaMA-Factory's word for it.
    var stage: String {
        switch self {
        case .supervised: "sft"
        case .dpo, .kto, .reinforcement: rawValue
        }
    }

    /// What a file for the method holds, in words.
    var dataInWords: String {
        switch self {
        case .supervised: "right answers or texts"
        case .dpo: "pairs of a better and a worse answer"
        case .kto: "answers that are marked good or bad"
        case .reinforcement:
            "prompts, whose last message is not the assistant's, with the fields its grader names"
        }
    }
}
