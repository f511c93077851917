import Foundation
import InferenceRuntime

/// Asks a reward model: the score is r of a conversation that ends with the answer, any number.
///
/// A conversation is rendered and encoded by the very code that training has.
struct RewardScorer: RelevanceScorer {
    /// A conversation, and the request field of its answer.
    struct Scored: Sendable {
        let messages: [JSONValue]
        let param: String
    }

    let encoder: PromptEncoder
    let conversations: [Scored]
    /// At most so many tokens of each answer; `nil`: all.
    let maximumTokens: Int?
    /// The adapter with the score head; `nil` as long as nobody knows who answers.
    var adapter: LoRAAdapter?

    func prompts() throws(APIError) -> [[Int32]] {
        var prompts: [[Int32]] = []
        for scored in conversations {
            prompts.append(
                try encoder.scored(
                    scored.messages,
                    answerTokens: maximumTokens,
                    param: scored.param
                )
            )
        }
        return prompts
    }

    func scores(_ states: [[Float]]) -> [Double] {
        states.map { state in adapter?.score(state).map(Double.init) ?? 0 }
    }

    /// σ(r): how likely the answer would be preferred to one of score 0.
    func relevance(of score: Double) -> Double { 1 / (1 + exp(-score)) }
}

extension RewardScorer {
    /// The first of two texts asks, the second answers.
    init(_ pairs: TextPairs, encoder: PromptEncoder, maximumTokens: Int?) {
        self.init(
            encoder: encoder,
            conversations: pairs.pairs.map { first, second in
                let (question, answer) = (pairs.texts[first], pairs.texts[second])
                return Scored(
                    messages: [
                        ["role": "user", "content": .string(question.text)],
                        ["role": "assistant", "content": .string(answer.text)],
                    ],
                    param: answer.param
                )
            },
            maximumTokens: maximumTokens
        )
    }
}

extension AdapterMix {
    /// The one adapter that scores; `nil` where none does.
    /// - Throws: 400 where several do, whose scores have no common measure.
    func scoring() throws(APIError) -> LoRAAdapter? {
        guard entries.count(where: { $0.adapter.scoreHead != nil }) < 2 else {
            throw .invalid(
                "lora",
                "Several of these adapters are reward models; name one of them alone."
            )
        }
        return scoringAdapter
    }
}
