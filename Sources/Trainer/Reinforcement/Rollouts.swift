import InferenceRuntime

/// The model's own answers as what it learns from: drawn on the engine that serves, graded, and
/// compared within their groups.
///
/// What is drawn follows from the parameters, the seed and the number of the batch alone: a run that
/// is taken up draws as one that was left alone.
actor Rollouts: ExperienceSource {
    private let sampler: any AnswerSampler
    private let grading: AnswerGrading
    private let text: AnswerText
    private let thread: any TrainingThread
    private let order: @Sendable () -> TrainingOrder
    /// The answers of the batch that is being learned from, and its number.
    private var current: (batch: Int, experience: Experience)?

    /// - Parameter order: Whether to go on; asked while answers are drawn.
    init(
        sampler: any AnswerSampler,
        grading: AnswerGrading,
        text: AnswerText,
        thread: any TrainingThread,
        order: @escaping @Sendable () -> TrainingOrder
    ) {
        self.sampler = sampler
        self.grading = grading
        self.text = text
        self.thread = thread
        self.order = order
    }

    func experience(of run: TrainingRun, after previous: StepRecord?) async throws -> Experience {
        let step = previous?.step ?? 0
        let batch = step / run.plan.hyperparameters.stepsPerBatch
        if let current, current.batch == batch { return current.experience }
        current = nil
        let prompts = try run.batch(for: step).flatMap { $0 }
        let groups = try await whileOrdered {
            try await self.groups(prompts, of: run, .rollout, batch, count: nil)
        }
        let experience = try await experience(groups, of: run, step: step)
        current = (batch, experience)
        return experience
    }

    func measure(
        _ run: TrainingRun,
        after record: StepRecord
    ) async throws -> [StepRecord.Metric] {
        var (sum, count) = (0.0, 0)
        while count < run.plan.validation.count {
            var prompts: [TrainingUnit] = []
            for index in count..<min(count + Self.width, run.plan.validation.count) {
                prompts.append(try run.plan.validation.unit(index))
            }
            let (part, place) = (prompts, count)
            let groups = try await whileOrdered {
                try await self.groups(part, of: run, .measuring, place, count: 1)
            }
            sum += groups.reduce(0) { $0 + $1.rewards.reduce(0, +) }
            count += part.count
        }
        let reward = sum / Double(max(1, count))
        // Best is where the loss is least.
        var means = MetricMeans()
        means.add("loss", sum: -reward, weight: 1)
        means.add("reward", sum: reward, weight: 1)
        return StepRecord.metrics(means, isValidation: true)
    }

    // MARK: - Drawing

    /// Prompts whose answers are drawn side by side: enough to fill the engine's batch.
    private static let width = 16

    /// Draws and grades answers to prompts.
    /// - Parameters:
    ///   - batch: What tells these from others of the purpose.
    ///   - count: Answers to each; `nil` for a group.
    private nonisolated func groups(
        _ prompts: [TrainingUnit],
        of run: TrainingRun,
        _ purpose: CounterRandom.Purpose,
        _ batch: Int,
        count: Int?
    ) async throws -> [AnswerGroup] {
        let hyperparameters = run.plan.hyperparameters
        let random = CounterRandom(seed: hyperparameters.seed, purpose, batch)
        let adapters = run.adapters
        let sampler = sampler
        let question = { (place: Int) in
            SampledQuestion(
                prompt: prompts[place].sequences.first?.tokens ?? [],
                adapters: adapters,
                count: count ?? hyperparameters.groupSize,
                maxTokens: hyperparameters.maxCompletionTokens,
                temperature: hyperparameters.temperature,
                seed: random[place]
            )
        }
        var drawn: [[SampledAnswer]] = prompts.map { _ in [] }
        try await withThrowingTaskGroup(of: (Int, [SampledAnswer]).self) { group in
            for place in prompts.indices {
                if place >= Self.width, let (done, answers) = try await group.next() {
                    drawn[done] = answers
                }
                let asked = question(place)
                group.addTask { (place, try await sampler.answers(to: asked)) }
            }
            for try await (done, answers) in group { drawn[done] = answers }
        }
        let graded = try await grading.grades(
            zip(prompts, drawn).flatMap { prompt, answers in
                answers.map { answer in
                    (
                        prompt.item ?? .object(JSONObject()), prompt.line,
                        text.content(of: answer, to: prompt.sequences.first?.tokens ?? [])
                    )
                }
            }
        )
        var rest = graded[...]
        return zip(prompts, drawn).map { prompt, answers in
            defer { rest = rest.dropFirst(answers.count) }
            return AnswerGroup(
                prompt: prompt,
                answers: answers,
                grades: Array(rest.prefix(answers.count))
            )
        }
    }

    /// Does something that takes long, unless the run is to leave off.
    private nonisolated func whileOrdered<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { [order] group in
            group.addTask { try await body() }
            group.addTask {
                while order() == .proceed { try await Task.sleep(for: .milliseconds(50)) }
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let value = first else {
                throw CancellationError()
            }
            return value
        }
    }

    // MARK: - Learning

    /// The answers as units, with what the model and the reference say of them now.
    private func experience(
        _ groups: [AnswerGroup],
        of run: TrainingRun,
        step: Int
    ) async throws -> Experience {
        let hyperparameters = run.plan.hyperparameters
        let loss = hyperparameters.policyLoss
        let answers = groups.flatMap(\.units)
        let reference = try await likelihoods(
            answers,
            run,
            LikelihoodPass(adapters: AdapterMix(), what: "what the reference model says"),
            step: step
        )
        var behavior: [[Float]]?
        if hyperparameters.updatesPerBatch > 1 || loss.penalizesReward {
            behavior = try await likelihoods(
                answers,
                run,
                LikelihoodPass(adapters: run.adapters, what: "what the model says of its answers"),
                step: step
            )
        }
        var penalties = answers.map { _ in 0.0 }
        if loss.penalizesReward, let behavior {
            penalties = zip(behavior, reference).map { own, base in
                hyperparameters.beta * zip(own, base).reduce(0) { $0 + Double($1.0 - $1.1) }
            }
        }
        var units: [TrainingUnit] = []
        var advantages: [[Double]] = []
        for group in groups {
            let first = units.count
            let own = loss.advantages(
                of: group.rewards.enumerated().map { $1 - penalties[first + $0] }
            )
            advantages.append(own)
            for (unit, advantage) in zip(group.units, own) {
                var unit = unit
                unit.reference = [reference[units.count]]
                unit.rollout = Rollout(
                    advantage: advantage,
                    behavior: hyperparameters.updatesPerBatch > 1 ? behavior?[units.count] : nil
                )
                units.append(unit)
            }
        }
        return Experience(
            units: units,
            metrics: AnswerGroup.metrics(groups),
            details: AnswerGroup.details(groups, advantages)
        )
    }

    private nonisolated func likelihoods(
        _ units: [TrainingUnit],
        _ run: TrainingRun,
        _ pass: LikelihoodPass,
        step: Int
    ) async throws -> [[Float]] {
        var all: [[Float]] = []
        while all.count < units.count {
            guard order() == .proceed else { throw CancellationError() }
            let rest = Array(units[all.count...])
            all += try await thread.compute { yield in
                let place = run.place(yield)
                let part = try place.workspace.fitting(rest, from: 0)
                return try pass.logProbabilities(part, step: step + 1, place)
            }
        }
        return all
    }
}
