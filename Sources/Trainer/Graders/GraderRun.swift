import InferenceRuntime

/// Asks models that grade.
public protocol GraderJudge: Sendable {
    /// A model's answer to messages, which is a number of a JSON object `{"result": …}`.
    /// - Throws: `GraderError`.
    func score(
        _ question: GraderQuestion,
        _ messages: [(role: String, content: String)]
    ) async throws -> (score: Double?, tokens: Int)

    /// The score of a reward model for messages that end with an answer.
    /// - Throws: `GraderError`, also where the model is none.
    func reward(
        _ question: GraderQuestion,
        _ messages: [(role: String, content: String)]
    ) async throws -> (score: Double?, tokens: Int)

    /// A model's answer to messages, which is one of the labels.
    /// - Throws: `GraderError`.
    func label(
        _ question: GraderQuestion,
        _ messages: [(role: String, content: String)],
        _ labels: [String]
    ) async throws -> (label: String?, tokens: Int)
}

/// What a grader made of an answer.
public struct Grade: Sendable {
    /// The score.
    public var reward: Double
    /// Of a multi grader: the score of each part.
    public var parts: [(key: String, score: Double)] = []
    /// Tokens that models read and wrote, by model.
    public var tokens: [String: Int] = [:]

    /// A score alone.
    public init(reward: Double, tokens: [String: Int] = [:]) {
        (self.reward, self.tokens) = (reward, tokens)
    }
}

extension Grader {
    /// Grades one answer.
    /// - Throws: `GraderError`.
    public func grade(_ values: GraderValues, _ judge: any GraderJudge) async throws -> Grade {
        switch kind {
        case .stringCheck(let input, let reference, let check):
            let (input, reference) = (try input.text(values), try reference.text(values))
            return Grade(reward: check.holds(input, reference) ? 1 : 0)
        case .textSimilarity(let input, let reference, let metric):
            return Grade(
                reward: metric.score(try input.text(values), reference: try reference.text(values))
            )
        case .jsonSchema(let input, let schema):
            return Grade(reward: try Self.isValid(try input.text(values), schema) ? 1 : 0)
        case .scoreModel(let question, let range):
            let answer = try await judge.score(question, try question.texts(values))
            return try Self.grade(answer, question, range)
        case .rewardModel(let question, let range):
            let answer = try await judge.reward(question, try question.texts(values))
            return try Self.grade(answer, question, range)
        case .labelModel(let question, let labels, let passing):
            let (label, tokens) = try await judge.label(
                question,
                try question.texts(values),
                labels
            )
            guard let label, labels.contains(label) else {
                throw GraderError.noGrade("The model '\(question.model)' gave no label.")
            }
            return Grade(reward: passing.contains(label) ? 1 : 0, tokens: [question.model: tokens])
        case .multi(let graders, let formula):
            var (whole, scores) = (Grade(reward: 0), [String: Double]())
            for (key, grader) in graders {
                let part = try await grader.grade(values, judge)
                scores[key] = part.reward
                whole.parts.append((key, part.reward))
                whole.tokens.merge(part.tokens, uniquingKeysWith: +)
            }
            whole.reward = try formula.value(scores)
            return whole
        }
    }

    private static func grade(
        _ answer: (score: Double?, tokens: Int),
        _ question: GraderQuestion,
        _ range: ClosedRange<Double>?
    ) throws(GraderError) -> Grade {
        guard let score = answer.score, score.isFinite else {
            throw .noGrade("The model '\(question.model)' gave no number.")
        }
        let reward = range.map { min(max(score, $0.lowerBound), $0.upperBound) } ?? score
        return Grade(reward: reward, tokens: [question.model: answer.tokens])
    }

    private static func isValid(_ text: String, _ schema: JSONValue) throws(GraderError) -> Bool {
        guard let value = try? JSONValue(parsing: text) else { return false }
        do throws(GrammarError) {
            return try SchemaCheck(schema).isValid(value)
        } catch {
            throw .invalid("schema", "The schema can't be honoured: \(error)")
        }
    }
}

extension Grader.StringCheck {
    /// Compared to the letter: Swift's == joins canonically equivalent texts.
    fileprivate func holds(_ input: String, _ reference: String) -> Bool {
        switch self {
        case .equal: input.utf8.elementsEqual(reference.utf8)
        case .different: !input.utf8.elementsEqual(reference.utf8)
        case .like: input.utf8.firstRange(of: Array(reference.utf8)) != nil
        case .ilike:
            input.lowercased().utf8.firstRange(of: Array(reference.lowercased().utf8)) != nil
        }
    }
}
