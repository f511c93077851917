import InferenceRuntime

/// Writes a task's prompts, as lm-evaluation-harness does: description, examples, question.
///
/// Examples are drawn as documents come: prompts are made in the documents' order.
struct TaskPrompts {
    /// How examples are chosen.
    enum Sampler: Sendable {
        /// At random, the seed being lm-evaluation-harness's 1234.
        case random
        /// The first ones.
        case first
    }

    private let task: EvaluationTask
    private var random = PythonRandom(seed: 1234)

    init(_ task: EvaluationTask) {
        self.task = task
    }

    /// What comes before the answer: one prompt, or one for each choice where the question is a choice.
    mutating func prompts(_ document: JSONObject) throws(TaskError) -> [String] {
        var text = ""
        if let description = task.description {
            text += TaskForm.string(try description.value(of: document).value)
        }
        for example in try examples(beside: document) {
            text += try turn(example, task.exampleForm)
        }
        let form = task.form
        let prefix = try form.prefix(document)
        switch try form.question(document) {
        case .text(let question):
            return [text + Self.asked(question, prefix, form.targetDelimiter)]
        case .choice:
            // Each choice is a question; nothing stands between it and the prefix.
            let choices = try form.choices(document) ?? []
            return choices.map { text + Self.asked($0, prefix, "") }
        }
    }

    private mutating func examples(
        beside document: JSONObject
    ) throws(TaskError) -> [JSONObject] {
        let count = task.fewshot
        guard count > 0 else { return [] }
        let others =
            task.examplesHoldDocuments ? task.examples.filter { $0 != document } : task.examples
        guard others.count >= count, !task.examplesHoldDocuments || task.examples.count > count
        else {
            throw TaskError(
                "\(task.name): \(count) examples are asked for, but there are \(others.count)."
            )
        }
        switch task.sampler {
        case .first: return Array(others.prefix(count))
        case .random:
            guard task.examplesHoldDocuments else { return random.sample(others, count) }
            // One more is drawn, in case that the document itself is among them.
            let drawn = random.sample(task.examples, count + 1).filter { $0 != document }
            return drawn.count >= count ? Array(drawn.prefix(count)) : random.sample(others, count)
        }
    }

    /// An example with its answer.
    private func turn(_ document: JSONObject, _ form: TaskForm) throws(TaskError) -> String {
        let choices = try form.choices(document)
        let target = try form.target(document)
        var answer = TaskForm.string(target.array?.first ?? target)
        let question: String
        switch try form.question(document) {
        case .text(let text):
            question = text
            if let number = target.int, let choices {
                guard choices.indices.contains(number) else {
                    throw TaskError("doc_to_target: there is no choice \(number) in an example.")
                }
                answer = choices[number]
            }
        case .choice(let number):
            guard let choices, choices.indices.contains(number) else {
                throw TaskError("doc_to_text: there is no choice \(number) in an example.")
            }
            question = choices[number]
        }
        let prefix = try form.prefix(document)
        guard !answer.isEmpty else {
            return Self.asked(question, prefix, form.targetDelimiter)
        }
        let delimiter =
            prefix.isEmpty || Self.needsSpace(question, prefix) ? form.targetDelimiter : ""
        let space = !prefix.isEmpty && Self.needsSpace(prefix, answer) ? " " : ""
        return question + delimiter + prefix + space + answer + form.exampleDelimiter
    }

    /// A question and how its answer begins.
    private static func asked(_ question: String, _ prefix: String, _ delimiter: String) -> String {
        guard !prefix.isEmpty else { return question }
        return question + (needsSpace(question, prefix) ? delimiter : "") + prefix
    }

    /// Whether neither text has white space where they meet.
    private static func needsSpace(_ left: String, _ right: String) -> Bool {
        guard let last = left.unicodeScalars.last, let first = right.unicodeScalars.first else {
            return false
        }
        return !last.properties.isWhitespace && !first.properties.isWhitespace
    }
}
