import InferenceRuntime

/// Gives answers their rewards.
struct AnswerGrading: Sendable {
    let grader: Grader
    /// Asks the models that grade.
    let judge: any GraderJudge

    /// Answers that are graded at once: models that grade are asked side by side.
    private static let width = 8

    /// The grade of each answer, in order.
    ///
    /// An answer that its grader can make nothing of, such as one that should be JSON and is not, has
    /// the reward 0.
    /// - Throws: `FineTuningError` where the example lacks what the grader names, or a model that
    ///   grades can't be asked.
    func grades(_ answers: [(item: JSONValue, line: Int, text: String)]) async throws -> [Grade] {
        var grades = answers.map { _ in Grade(reward: 0) }
        try await withThrowingTaskGroup(of: (Int, Grade).self) { group in
            for (index, answer) in answers.enumerated() {
                if index >= Self.width, let (done, grade) = try await group.next() {
                    grades[done] = grade
                }
                group.addTask { (index, try await self.grade(answer)) }
            }
            for try await (done, grade) in group { grades[done] = grade }
        }
        return grades
    }

    private func grade(
        _ answer: (item: JSONValue, line: Int, text: String)
    ) async throws -> Grade {
        let values = GraderValues(item: answer.item, output: answer.text)
        var wait = Duration.milliseconds(250)
        while true {
            do {
                let grade = try await grader.grade(values, judge)
                return grade.reward.isFinite ? grade : Grade(reward: 0)
            } catch let error as GraderError {
                switch error {
                case .notJSON, .noGrade, .noNumber: return Grade(reward: 0)
                case .missing, .invalid:
                    throw FineTuningError(
                        code: "invalid_grader",
                        message: "The grader can't grade the example of line \(answer.line): "
                            + error.message,
                        param: "method.reinforcement.grader"
                    )
                case .notAnswered:
                    guard wait < Self.patience else {
                        throw FineTuningError(
                            code: "grader_unavailable",
                            message: "A model that grades can't be asked: \(error.message)",
                            param: "method.reinforcement.grader"
                        )
                    }
                    try await Task.sleep(for: wait)
                    wait *= 2
                }
            }
        }
    }

    /// The longest pause before a model is asked again.
    private static let patience = Duration.seconds(60)
}
