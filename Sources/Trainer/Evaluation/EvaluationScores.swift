import Foundation
public import InferenceRuntime

/// How well a model predicts a data file, token by token, with the right tokens before each.
public struct EvaluationScores: Sendable, Hashable {
    /// Examples with at least one learned token.
    public let examples: Int
    /// Tokens with a loss.
    public let tokens: Int
    /// Mean cross-entropy over those tokens, in nats.
    public let loss: Double
    /// Share of them that are the model's first choice.
    public let accuracy: Double
    /// e to the loss.
    public var perplexity: Double { exp(loss) }
}

/// How well a model's own answers agree with the file's; means over the examples, 0…1.
public struct AnswerScores: Sendable {
    /// Examples that were answered.
    public private(set) var examples = 0
    private var sums = (bleu: 0.0, rouge1: 0.0, rouge2: 0.0, rougeL: 0.0, exact: 0.0)

    /// BLEU-4 over characters, as NLTK has it.
    public var bleu4: Double { mean(sums.bleu) }
    /// ROUGE-1.
    public var rouge1: Double { mean(sums.rouge1) }
    /// ROUGE-2.
    public var rouge2: Double { mean(sums.rouge2) }
    /// ROUGE-L.
    public var rougeL: Double { mean(sums.rougeL) }
    /// Answers that are the reference to the letter, white space at both ends aside.
    public var exactMatch: Double { mean(sums.exact) }

    /// Scores some answers.
    public init(_ predictions: [Prediction]) {
        for prediction in predictions {
            let (answer, reference) = (prediction.answer, prediction.reference)
            let rouge = ROUGE(answer, reference: reference)
            examples += 1
            sums.bleu += BLEU.score(answer, reference: reference)
            sums.rouge1 += rouge.rouge1
            sums.rouge2 += rouge.rouge2
            sums.rougeL += rouge.rougeL
            let isExact = Self.trimmed(answer).elementsEqual(Self.trimmed(reference))
            sums.exact += isExact ? 1 : 0
        }
    }

    private func mean(_ sum: Double) -> Double { sum / Double(max(1, examples)) }

    private static func trimmed(_ text: String) -> some Sequence<Unicode.Scalar> {
        text.trimmingCharacters(in: .whitespacesAndNewlines).unicodeScalars
    }
}

/// What a model answered to the prompt of an example, and what the example says.
public struct Prediction: Sendable, Hashable {
    /// The prompt as the model saw it.
    public let prompt: String
    /// The model's answer.
    public let answer: String
    /// The example's answer.
    public let reference: String

    /// What was asked, answered and expected.
    public init(prompt: String, answer: String, reference: String) {
        self.prompt = prompt
        self.answer = answer
        self.reference = reference
    }

    /// A line of LLaMA-Factory's `generated_predictions.jsonl`.
    public var json: JSONValue {
        [
            "prompt": .string(prompt), "predict": .string(answer), "label": .string(reference),
        ]
    }
}

extension EvaluationScores {
    /// LLaMA-Factory's keys.
    public var json: JSONObject {
        [
            "eval_samples": JSONValue(examples), "eval_tokens": JSONValue(tokens),
            "eval_loss": JSONValue(loss), "eval_perplexity": JSONValue(perplexity),
            "eval_accuracy": JSONValue(accuracy),
        ]
    }
}

extension AnswerScores {
    /// LLaMA-Factory's keys and percentages.
    public var json: JSONObject {
        [
            "predict_samples": JSONValue(examples), "predict_bleu-4": JSONValue(100 * bleu4),
            "predict_rouge-1": JSONValue(100 * rouge1),
            "predict_rouge-2": JSONValue(100 * rouge2),
            "predict_rouge-l": JSONValue(100 * rougeL),
            "predict_exact_match": JSONValue(100 * exactMatch),
        ]
    }
}
