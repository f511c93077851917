import Foundation
import InferenceRuntime

/// A document's part of a task's result.
struct TaskSample: Sendable {
    let place: Int
    let document: JSONObject
    var target: JSONValue = .null
    /// What was asked: contexts and continuations.
    var arguments: [JSONValue] = []
    /// What the model said: log-likelihoods with whether they are greedy, or an answer.
    var responses: [JSONValue] = []
    /// For each filter and metric a value and its weight.
    var scores: [[Score]] = []

    /// What a document adds to a metric.
    struct Score: Sendable {
        let value: Double
        var weight = 1.0
    }
}

extension EvaluationTask {
    /// Asks the model about one document.
    func sample(
        _ place: Int,
        _ prompts: [String],
        _ model: TaskModel
    ) async throws -> TaskSample {
        var sample = TaskSample(place: place, document: documents[place])
        switch outputType {
        case .multipleChoice: try await choose(&sample, prompts, model)
        case .logLikelihood:
            let target = TaskForm.string(try form.target(sample.document))
            let found = try await model.likelihood(of: target, after: prompts[0])
            sample.target = .string(target)
            sample.arguments = [[.string(prompts[0]), .string(target)]]
            sample.responses = [found.json]
            sample.add(metrics) { metric in
                metric.kind == .perplexity ? found.logProbability : found.isGreedy ? 1 : 0
            }
        case .rolling:
            let text = TaskForm.string(try form.target(sample.document))
            let sum = try await model.likelihood(ofText: text)
            sample.arguments = [[.string(text)]]
            sample.responses = [JSONValue(sum)]
            let words = Double(text.words)
            sample.scores = [
                metrics.map { metric in
                    let weight = metric.kind == .wordPerplexity ? words : Double(text.utf8.count)
                    return TaskSample.Score(value: sum, weight: weight)
                }
            ]
        case .generate: try await generate(&sample, prompts[0], model)
        }
        return sample
    }

    private func generate(
        _ sample: inout TaskSample,
        _ prompt: String,
        _ model: TaskModel
    ) async throws {
        var target = try form.target(sample.document)
        if let number = target.int, let choices = try form.choices(sample.document) {
            guard choices.indices.contains(number) else {
                throw TaskError("doc_to_target: there is no choice \(number).")
            }
            target = .string(choices[number])
        }
        let answer = try await model.answer(to: prompt, generation)
        let references = (target.array ?? [target]).map(TaskForm.string)
        sample.target = target
        sample.arguments = [[.string(prompt)]]
        sample.responses = [.string(answer)]
        for filter in filters {
            let filtered = filter(answer)
            sample.add(metrics) { metric in
                references.contains { metric.comparison.isSame(filtered, $0) } ? 1 : 0
            }
        }
    }

    private func choose(
        _ sample: inout TaskSample,
        _ prompts: [String],
        _ model: TaskModel
    ) async throws {
        let choices = try form.choices(sample.document) ?? []
        guard !choices.isEmpty else {
            throw TaskError("'multiple_choice' needs 'doc_to_choice'.")
        }
        let delimiter = form.targetDelimiter
        var pairs: [(context: String, continuation: String)] = []
        let question = try form.question(sample.document)
        var gold: Set<Int> = []
        if case .choice(let right) = question {
            // The choices are the questions, and all go on with the same text.
            let target = TaskForm.string(try form.target(sample.document))
            pairs = prompts.map { ($0, delimiter + target) }
            gold = [right]
            sample.target = JSONValue(right)
        } else {
            pairs = choices.map { (prompts[0], delimiter + $0) }
            let target = try form.target(sample.document)
            gold = Self.places(target, choices)
            sample.target = target
        }
        let found = try await likelihoods(pairs, model)
        var unconditional: [Double] = []
        if metrics.contains(where: { $0.kind == .mutualInformation }) {
            unconditional = try await likelihoods(choices.map { ("", delimiter + $0) }, model)
                .map(\.logProbability)
        }
        sample.arguments = pairs.map { [.string($0.context), .string($0.continuation)] }
        sample.responses = found.map(\.json)
        let sums = found.map(\.logProbability)
        let scored = sample.scoredChoices(choices, sums, unconditional)
        for _ in filters {
            sample.add(metrics) { metric in
                if metric.kind == .exactMatch {
                    return gold.contains { found.indices.contains($0) && found[$0].isGreedy }
                        ? 1 : 0
                }
                return gold.contains(Self.largest(scored(metric.kind))) ? 1 : 0
            }
        }
    }

    private func likelihoods(
        _ pairs: [(context: String, continuation: String)],
        _ model: TaskModel
    ) async throws -> [TaskModel.Likelihood] {
        var found: [TaskModel.Likelihood] = []
        for (context, continuation) in pairs {
            found.append(try await model.likelihood(of: continuation, after: context))
        }
        return found
    }

    /// Which choices are right.
    private static func places(_ target: JSONValue, _ choices: [String]) -> Set<Int> {
        var places: Set<Int> = []
        for target in target.array ?? [target] {
            let place = target.int ?? choices.firstIndex(of: TaskForm.string(target))
            if let place, choices.indices.contains(place) { places.insert(place) }
        }
        return places
    }

    /// The place of the largest number; the first among equals, as `numpy.argmax`.
    private static func largest(_ numbers: [Double]) -> Int {
        var best = 0
        for (place, number) in numbers.enumerated() where number > numbers[best] { best = place }
        return best
    }
}

extension TaskSample {
    fileprivate mutating func add(_ metrics: [TaskMetric], _ value: (TaskMetric) -> Double) {
        scores.append(metrics.map { Score(value: value($0)) })
    }

    /// What each kind of accuracy compares choices by.
    fileprivate func scoredChoices(
        _ choices: [String],
        _ sums: [Double],
        _ unconditional: [Double]
    ) -> (TaskMetric.Kind) -> [Double] {
        { kind in
            switch kind {
            // Python's length of a text is in code points.
            case .normalizedAccuracy:
                zip(sums, choices).map { $0 / Double($1.unicodeScalars.count) }
            case .byteAccuracy: zip(sums, choices).map { $0 / Double($1.utf8.count) }
            case .mutualInformation: zip(sums, unconditional).map(-)
            default: sums
            }
        }
    }
}

extension TaskModel.Likelihood {
    fileprivate var json: JSONValue { [JSONValue(logProbability), .bool(isGreedy)] }
}

extension String {
    /// Pieces between runs of white space, as Python's `re.split(r"\s+", text)` counts them.
    fileprivate var words: Int {
        var count = 1
        var wasSpace = false
        for scalar in unicodeScalars {
            let isSpace = scalar.properties.isWhitespace
            if isSpace, !wasSpace { count += 1 }
            wasSpace = isSpace
        }
        return count
    }
}
