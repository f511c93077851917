import Foundation
import InferenceRuntime

/// A task of lm-evaluation-harness's kind: documents, how they are asked, and how answers count.
public struct EvaluationTask: Sendable {
    /// What is asked of the model.
    public enum OutputType: String, Sendable, CaseIterable {
        /// Which of the choices is likeliest.
        case multipleChoice = "multiple_choice"
        /// How likely the answer is.
        case logLikelihood = "loglikelihood"
        /// How likely a whole text is.
        case rolling = "loglikelihood_rolling"
        /// What the model answers.
        case generate = "generate_until"
    }

    /// What results call it.
    public var name: String
    /// The field or subject group it counts towards, where its folder says.
    public var category: String?
    /// What is asked of the model.
    public var outputType: OutputType
    /// Examples before each question.
    public var fewshot: Int
    /// How many documents there are.
    public var count: Int { documents.count }

    var documents: [JSONObject]
    /// What examples are drawn from.
    var examples: [JSONObject]
    /// Whether those may be the documents themselves, of which none is its own example.
    var examplesHoldDocuments: Bool
    var sampler: TaskPrompts.Sampler
    var form: TaskForm
    var exampleForm: TaskForm
    var description: TaskField?
    var metrics: [TaskMetric]
    var filters: [TaskFilters]
    var generation: TaskGeneration

    /// Uses the first documents alone.
    public mutating func limit(to count: Int) {
        documents = Array(documents.prefix(count))
    }
}

/// How answers are generated.
struct TaskGeneration: Sendable, Hashable {
    var stops: [String]
    var maximumTokens = 256
    var temperature: Float = 0
    var topP: Float = 1
    var topK = 0

    private static let ignored: Set = ["do_sample", "until"]

    /// Reads `generation_kwargs`; without any, the likeliest tokens until the delimiter of examples.
    init(_ value: JSONValue?, exampleDelimiter: String) throws(TaskError) {
        stops = [exampleDelimiter]
        guard let fields = value?.object else { return }
        for (key, value) in fields.members where !Self.ignored.contains(key) {
            switch (key, value.double, value.int) {
            case ("temperature", let number?, _) where (0...2).contains(number):
                temperature = Float(number)
            case ("top_p", let number?, _) where number > 0 && number <= 1: topP = Float(number)
            case ("top_k", _, let number?) where (0...100_000).contains(number): topK = number
            case ("max_gen_toks", _, let number?) where (1...1_000_000).contains(number),
                ("max_tokens", _, let number?) where (1...1_000_000).contains(number):
                maximumTokens = number
            default:
                throw TaskError("generation_kwargs: \(key) \(value.serialized) is not supported.")
            }
        }
        if fields["do_sample"] == false { temperature = 0 }
        switch fields["until"] {
        case .string(let stop)?: stops = [stop]
        case .array(let list)?: stops = list.compactMap(\.string).filter { !$0.isEmpty }
        default: break
        }
    }
}
