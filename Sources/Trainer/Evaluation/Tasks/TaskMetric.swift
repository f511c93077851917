import Foundation
import InferenceRuntime

/// How documents' results become a number, by lm-evaluation-harness's names and formulas.
struct TaskMetric: Sendable {
    /// What is measured.
    enum Kind: String, Sendable, CaseIterable {
        case accuracy = "acc"
        case normalizedAccuracy = "acc_norm"
        case byteAccuracy = "acc_bytes"
        case mutualInformation = "acc_mutual_info"
        case exactMatch = "exact_match"
        case perplexity
        case wordPerplexity = "word_perplexity"
        case bytePerplexity = "byte_perplexity"
        case bitsPerByte = "bits_per_byte"

        /// What a task of a kind measures where it does not say.
        static func usual(_ type: EvaluationTask.OutputType) -> [Kind] {
            switch type {
            case .multipleChoice: [.accuracy, .normalizedAccuracy]
            case .logLikelihood: [.perplexity, .accuracy]
            case .rolling: [.wordPerplexity, .bytePerplexity, .bitsPerByte]
            case .generate: [.exactMatch]
            }
        }

        /// What can be measured of a kind of task.
        static func possible(_ type: EvaluationTask.OutputType) -> [Kind] {
            guard type == .multipleChoice else { return usual(type) }
            return [
                .accuracy, .normalizedAccuracy, .byteAccuracy, .mutualInformation, .exactMatch,
            ]
        }

        /// The aggregation's name.
        var aggregation: String {
            switch self {
            case .perplexity: "perplexity"
            case .wordPerplexity, .bytePerplexity: "weighted_perplexity"
            case .bitsPerByte: "bits_per_byte"
            default: "mean"
            }
        }

        /// Whether more is better.
        var isHigherBetter: Bool { aggregation == "mean" }
    }

    let kind: Kind
    /// What `exact_match` does not look at.
    var comparison = AnswerComparison()

    init(_ kind: Kind) {
        self.kind = kind
    }

    /// Reads an entry of `metric_list`.
    init(_ value: JSONValue, _ type: EvaluationTask.OutputType) throws(TaskError) {
        let possible = Kind.possible(type)
        guard let name = value["metric"]?.string,
            let kind = possible.first(where: { $0.rawValue == name })
        else {
            throw TaskError(
                "metric_list: \(value["metric"]?.serialized ?? "an entry without 'metric'") is not "
                    + "supported for '\(type.rawValue)'; \(possible.map(\.rawValue).joined(separator: ", ")) "
                    + "are."
            )
        }
        if let aggregation = value["aggregation"]?.string, aggregation != kind.aggregation {
            throw TaskError(
                "metric_list: '\(name)' is aggregated by '\(kind.aggregation)', not '\(aggregation)'."
            )
        }
        self.kind = kind
        comparison = try AnswerComparison(value)
    }
}

/// When two answers are the same.
struct AnswerComparison: Sendable {
    private var ignored: [NSRegularExpression] = []
    private var ignoresCase = false
    private var ignoresPunctuation = false
    private var ignoresNumbers = false

    init() {}

    init(_ value: JSONValue) throws(TaskError) {
        ignoresCase = value["ignore_case"] == true
        ignoresPunctuation = value["ignore_punctuation"] == true
        ignoresNumbers = value["ignore_numbers"] == true
        for pattern in value["regexes_to_ignore"]?.array ?? [] {
            guard let regex = try? NSRegularExpression(pattern: pattern.string ?? "(") else {
                throw TaskError(
                    "regexes_to_ignore: \(pattern.serialized) is no regular expression."
                )
            }
            ignored.append(regex)
        }
    }

    func isSame(_ answer: String, _ reference: String) -> Bool {
        // To the letter: Swift's == joins canonically equivalent texts.
        normalized(answer).utf8.elementsEqual(normalized(reference).utf8)
    }

    private func normalized(_ text: String) -> String {
        var text = text
        for regex in ignored {
            text = regex.stringByReplacingMatches(
                in: text,
                range: NSRange(text.startIndex..., in: text),
                withTemplate: ""
            )
        }
        if ignoresCase { text = text.lowercased() }
        text.unicodeScalars.removeAll { scalar in
            let isNumber = ("0"..."9").contains(scalar)
            let isPunctuation = Self.punctuation.contains(scalar)
            return ignoresPunctuation && isPunctuation || ignoresNumbers && isNumber
        }
        return text
    }

    /// Python's `string.punctuation`.
    private static let punctuation = Set("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~".unicodeScalars)
}

/// The sums of one metric over the documents.
struct MetricSum: Sendable {
    private var total = 0.0
    private var squares = 0.0
    private var weight = 0.0
    private var count = 0

    /// Adds a document's value; word and byte perplexities weigh it.
    mutating func add(_ value: Double, weight: Double = 1) {
        total += value
        squares += value * value
        self.weight += weight
        count += 1
    }

    func value(_ kind: TaskMetric.Kind) -> Double {
        let mean = weight > 0 ? total / weight : 0
        return switch kind.aggregation {
        case "perplexity", "weighted_perplexity": exp(-mean)
        case "bits_per_byte": -mean / log(2)
        default: mean
        }
    }

    /// The standard error of a mean, by the deviation of the sample.
    func standardError(_ kind: TaskMetric.Kind) -> Double? {
        guard kind.aggregation == "mean", count > 1 else { return nil }
        let count = Double(count)
        let variance = max(0, squares - total * total / count) / (count - 1)
        return (variance / count).squareRoot()
    }

    static func + (left: MetricSum, right: MetricSum) -> MetricSum {
        var sum = left
        sum.total += right.total
        sum.squares += right.squares
        sum.weight += right.weight
        sum.count += right.count
        return sum
    }
}
