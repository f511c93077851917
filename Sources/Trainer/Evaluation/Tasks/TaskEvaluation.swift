public import InferenceRuntime

/// Tasks asked of a model: `facet eval --task`.
public struct TaskEvaluation: Sendable {
    /// What one task came to.
    public struct Result: Sendable {
        /// The task's name.
        public let name: String
        /// The field or subject group it counts towards.
        public let category: String?
        /// Documents asked about.
        public let documents: Int
        /// Examples before each question.
        public let fewshot: Int
        let metrics: [TaskMetric]
        let filters: [String]
        /// By filter and metric.
        var sums: [[MetricSum]]
    }

    private let model: TaskModel
    private let concurrency: Int

    /// Takes the model, and how many documents are asked about at the same time.
    public init(_ model: TaskModel, concurrency: Int) {
        self.model = model
        self.concurrency = concurrency
    }

    /// Asks about every document.
    /// - Parameters:
    ///   - show: Gets how many documents are done.
    ///   - log: Gets each document's result as lm-evaluation-harness logs it, in their order.
    public func result(
        of task: EvaluationTask,
        show: (Int) -> Void,
        log: ((JSONValue) throws -> Void)?
    ) async throws -> Result {
        var result = Result(
            name: task.name,
            category: task.category,
            documents: task.count,
            fewshot: task.fewshot,
            metrics: task.metrics,
            filters: task.filters.map(\.name),
            sums: task.filters.map { _ in task.metrics.map { _ in MetricSum() } }
        )
        var prompts = TaskPrompts(task)
        let (model, documents) = (model, task.documents)
        try await withThrowingTaskGroup(of: TaskSample.self) { group in
            var next = 0
            func addNext() throws {
                guard next < documents.count else { return }
                let (place, asked) = (next, try prompts.prompts(documents[next]))
                next += 1
                group.addTask { try await task.sample(place, asked, model) }
            }
            for _ in 0..<concurrency { try addNext() }
            // Sums are taken in the documents' order, so that they have the same bits each time.
            var waiting: [Int: TaskSample] = [:]
            var done = 0
            while let sample = try await group.next() {
                waiting[sample.place] = sample
                while let sample = waiting.removeValue(forKey: done) {
                    result.add(sample)
                    try log?(result.json(sample))
                    done += 1
                    show(done)
                }
                try addNext()
            }
        }
        return result
    }
}

extension TaskEvaluation.Result {
    fileprivate mutating func add(_ sample: TaskSample) {
        for (filter, scores) in sample.scores.enumerated() {
            for (metric, score) in scores.enumerated() {
                sums[filter][metric].add(score.value, weight: score.weight)
            }
        }
    }

    /// A document's result.
    fileprivate func json(_ sample: TaskSample) -> JSONValue {
        var json: JSONObject = [
            "task": .string(name), "doc_id": JSONValue(sample.place),
            "doc": .object(sample.document), "target": sample.target,
            "arguments": .array(sample.arguments), "resps": .array(sample.responses),
        ]
        for (filter, scores) in zip(filters, sample.scores) {
            for (metric, score) in zip(metrics, scores) {
                json["\(metric.kind.rawValue),\(filter)"] = JSONValue(score.value)
            }
        }
        return .object(json)
    }

    /// Every number with its name, `METRIC,FILTER` and `METRIC_stderr,FILTER`.
    public var numbers: JSONObject {
        var numbers = JSONObject()
        for (filter, sums) in zip(filters, sums) {
            for (metric, sum) in zip(metrics, sums) {
                let (kind, name) = (metric.kind, metric.kind.rawValue)
                numbers["\(name),\(filter)"] = JSONValue(sum.value(kind))
                if let error = sum.standardError(kind) {
                    numbers["\(name)_stderr,\(filter)"] = JSONValue(error)
                }
            }
        }
        return numbers
    }

    /// Several subjects' results as one, each document counting the same.
    public static func joined(_ results: [Self], as name: String) -> Self? {
        guard
            var all = results.first.map({ first in
                Self(
                    name: name,
                    category: nil,
                    documents: results.map(\.documents).reduce(0, +),
                    fewshot: first.fewshot,
                    metrics: first.metrics,
                    filters: first.filters,
                    sums: first.sums
                )
            })
        else { return nil }
        for result in results.dropFirst() {
            all.sums = zip(all.sums, result.sums).map { zip($0, $1).map(+) }
        }
        return all
    }

    /// Results as lm-evaluation-harness writes them to its file.
    public static func json(_ results: [Self], model: String) -> JSONValue {
        func table(_ value: (Self) -> JSONValue) -> JSONValue {
            .object(JSONObject(results.map { (key: $0.name, value: value($0)) }))
        }
        return [
            "results": table { result in
                var numbers: JSONObject = ["alias": .string(result.name)]
                for (key, value) in result.numbers.members { numbers[key] = value }
                return .object(numbers)
            },
            "n-shot": table { JSONValue($0.fewshot) },
            "n-samples": table { ["effective": JSONValue($0.documents)] },
            "higher_is_better": table { result in
                let flags = result.metrics.map {
                    (key: $0.kind.rawValue, value: JSONValue.bool($0.kind.isHigherBetter))
                }
                return .object(JSONObject(flags))
            },
            "model_name": .string(model),
        ]
    }
}
