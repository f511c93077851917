import InferenceRuntime

/// Answers to one prompt, and their grades.
struct AnswerGroup: Sendable {
    let prompt: TrainingUnit
    let answers: [SampledAnswer]
    let grades: [Grade]

    var rewards: [Double] { grades.map(\.reward) }

    /// Each answer behind its prompt; the answer is what is learned.
    var units: [TrainingUnit] {
        let asked = prompt.sequences.first?.tokens ?? []
        return answers.map { answer in
            let tokens = asked + answer.tokens
            let weights =
                asked.map { _ in Float(0) } + answer.tokens.map { _ in Float(1) }
            return TrainingUnit(
                [EncodedExample(tokens: tokens, weights: weights, fullLength: tokens.count)],
                line: prompt.line
            )
        }
    }

    /// TRL's numbers about a batch; `reward_std` is the mean of the groups' deviations.
    static func metrics(_ groups: [AnswerGroup]) -> MetricMeans {
        var metrics = MetricMeans()
        for group in groups {
            let (rewards, count) = (group.rewards, Double(group.answers.count))
            let deviation = PolicyLoss.deviation(of: rewards)
            metrics.add("reward", sum: rewards.reduce(0, +), weight: count)
            metrics.add("reward_std", sum: deviation, weight: 1)
            metrics.add("frac_reward_zero_std", sum: deviation == 0 ? 1 : 0, weight: 1)
            let tokens = group.answers.reduce(0) { $0 + $1.tokens.count }
            metrics.add("completions/mean_length", sum: Double(tokens), weight: count)
            let cut = Double(group.answers.count { !$0.hasEnded })
            metrics.add("completions/clipped_ratio", sum: cut, weight: count)
            for grade in group.grades {
                for (name, score) in grade.parts {
                    metrics.add("rewards/\(name)/mean", sum: score, weight: 1)
                }
            }
        }
        return metrics
    }

    /// The rewards and advantages, a list for each prompt.
    static func details(_ groups: [AnswerGroup], _ advantages: [[Double]]) -> JSONObject {
        func lists(_ numbers: [[Double]]) -> JSONValue {
            .array(numbers.map { .array($0.map { JSONValue($0) }) })
        }
        return ["rewards": lists(groups.map(\.rewards)), "advantages": lists(advantages)]
    }
}
