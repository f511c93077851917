import Foundation
public import InferenceRuntime

/// A model measured on a data file: `facet eval`.
///
/// Examples are read and encoded as for training, and the same forward pass scores them; answers
/// come from the engine that serves.
public struct LocalEvaluation: Sendable {
    /// What is measured.
    public struct Subject: Sendable {
        let base: LocalTraining.Base
        let engine: Engine
        let adapters: AdapterMix

        /// Names the parts; the base's threads are the engine's.
        public init(
            _ base: LocalTraining.Base,
            engine: Engine,
            adapters: AdapterMix
        ) {
            self.base = base
            self.engine = engine
            self.adapters = adapters
        }
    }

    /// What of the file is used, and how.
    public struct Options: Sendable {
        /// The longest example in tokens; longer ones are cut.
        public var cutoffLength = 2048
        /// At most so many examples, from the start of each file.
        public var maximumExamples: Int?
        /// The longest answer in tokens.
        public var answerTokens = 512
        /// Answers computed at the same time.
        public var concurrency = 8

        /// The defaults.
        public init() {}
    }

    private let subject: Subject
    private let options: Options
    private let examples: any TrainingUnits
    /// The same examples with their last answers only.
    private let questions: any TrainingUnits
    /// Sentences about the data.
    public let notes: [String]

    /// Reads and encodes data files.
    /// - Throws: `FineTuningError` with the line of what is wrong.
    public init(
        _ subject: Subject,
        files: [TrainingFileLocation],
        options: Options
    ) throws(FineTuningError) {
        self.subject = subject
        self.options = options
        let folder = NSTemporaryDirectory() + "facet-eval-" + UUID().uuidString
        // The files go with the last who has them open.
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func read(lastAnswer: Bool) throws -> (units: JoinedUnits, notes: [String]) {
            let reader = subject.base.reader(
                EncodingOptions(
                    cutoffLength: options.cutoffLength,
                    promptLossWeight: 0,
                    maskHistory: lastAnswer
                )
            )
            let name = folder + (lastAnswer ? "/questions" : "/examples")
            let found = try files.enumerated().map { number, file in
                try reader.read(file, maximum: options.maximumExamples, into: "\(name)-\(number)")
            }
            return (JoinedUnits(parts: found.map(\.units)), found.flatMap(\.notes))
        }
        do {
            try DurableFile.makeFolder(folder)
            let found = try read(lastAnswer: false)
            (examples, notes) = (found.units, found.notes)
            questions = try read(lastAnswer: true).units
        } catch let error as TrainingFileError {
            throw FineTuningError(invalid: error, param: "training_file")
        } catch {
            throw FineTuningError(ending: error)
        }
    }

    /// Scores every learned token of the file.
    /// - Parameter show: Gets the share that is done.
    public func scores(_ show: @escaping @Sendable (Double) -> Void) async throws
        -> EvaluationScores
    {
        let (base, examples, mix) = (subject.base, examples, subject.adapters)
        // The engine's thread owns the pool.
        return try await subject.engine.runTraining { slot in
            var longest = 1
            var tokens = 0
            for index in 0..<examples.count {
                longest = max(longest, try examples.tokens(of: index))
                tokens += try examples.unit(index).trainedTokens
            }
            let place = MicroBatch.Place(
                model: base.model,
                workspace: TrainingWorkspace(model: base.model, longest: longest, limit: 0),
                context: base.context,
                yield: slot.yield
            )
            let measured = try Validation(
                objective: SupervisedObjective(),
                place: place,
                adapters: mix
            ).measure(
                examples,
                show: { show(Double($0) / Double(examples.count)) },
                broken: { line in
                    FineTuningError(
                        code: "not_a_number",
                        message: "The loss of line \(line) is not a finite number."
                    )
                }
            )
            return EvaluationScores(
                examples: examples.count,
                tokens: tokens,
                loss: measured["loss"] ?? 0,
                accuracy: measured["mean_token_accuracy"] ?? 0
            )
        }
    }

    /// Answers every example's prompt by its likeliest tokens, in the file's order.
    ///
    /// Plain texts have no prompt and are passed over.
    public func predictions(_ show: (Double) -> Void) async throws -> [Prediction] {
        let questions = try (0..<self.questions.count).compactMap { index -> Question? in
            try self.questions.unit(index).sequences.first.flatMap(Question.init)
        }
        var answers: [Int: String] = [:]
        try await withThrowingTaskGroup(of: (Int, String).self) { group in
            var waiting = questions.indices.makeIterator()
            func addNext() {
                guard let index = waiting.next() else { return }
                let prompt = questions[index].prompt
                group.addTask { (index, try await self.answer(prompt)) }
            }
            for _ in 0..<options.concurrency { addNext() }
            while let (index, answer) = try await group.next() {
                answers[index] = answer
                show(Double(answers.count) / Double(questions.count))
                addNext()
            }
        }
        return questions.enumerated().map { index, question in
            Prediction(
                prompt: text(question.prompt, skipsSpecial: false),
                answer: answers[index] ?? "",
                reference: text(question.answer, skipsSpecial: true)
            )
        }
    }

    private func answer(_ prompt: [Int32]) async throws -> String {
        let request = GenerationRequest(
            id: "eval",
            prompt: prompt,
            sampling: SamplingParameters(temperature: 0),
            maxTokens: options.answerTokens,
            stopTokens: subject.base.baseModel.defaults.stopTokens,
            adapters: subject.adapters
        )
        var tokens: [Int32] = []
        for await event in try subject.engine.generate(request) {
            switch event {
            case .token(_, let sample): tokens.append(sample.id)
            case .failed(let error): throw error
            case .prompt, .finished: break
            }
        }
        return text(tokens, skipsSpecial: true)
    }

    private func text(_ tokens: [Int32], skipsSpecial: Bool) -> String {
        var detokenizer = StreamingDetokenizer(
            subject.base.baseModel.encoder.tokenizer,
            skipSpecialTokens: skipsSpecial
        )
        return tokens.reduce(into: "") { $0 += detokenizer.append($1) } + detokenizer.flush()
    }
}

/// The prompt of an example, and its last answer.
private struct Question: Sendable {
    let prompt: [Int32]
    let answer: [Int32]

    /// `nil` for a plain text, which is learned from its start.
    init?(_ example: EncodedExample) {
        guard let first = example.weights.firstIndex(where: { $0 > 0 }), first > 1 else {
            return nil
        }
        prompt = Array(example.tokens[..<first])
        answer = zip(example.tokens, example.weights).dropFirst(first)
            .filter { $0.1 > 0 }.map(\.0)
    }
}
