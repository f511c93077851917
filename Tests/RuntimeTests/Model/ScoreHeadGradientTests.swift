import InferenceRuntime
import Testing

@Suite("Score heads")
struct ScoreHeadGradientTests {
    /// Σ weight × score in double.
    private func loss(
        _ training: TrainingFixture,
        _ batch: Batch,
        _ targets: ScoreTargets
    ) throws -> Double {
        try training.forward(batch)
        let scores = training.fixture.model.scores(
            targets,
            tape: training.tape,
            workspace: training.workspace,
            training.fixture.context
        )
        return zip(scores, targets.weights).reduce(0) { $0 + Double($1.0.value) * Double($1.1) }
    }

    private func targets(_ prompts: [[Int32]], _ weights: [Float]) -> ScoreTargets {
        var end: Int32 = 0
        let rows = prompts.map { prompt in
            end += Int32(prompt.count)
            return end - 1
        }
        return ScoreTargets(rows: rows, weights: weights)
    }

    private func backward(
        _ training: TrainingFixture,
        _ targets: ScoreTargets
    ) throws -> [TokenScore] {
        try training.fixture.model.backward(
            targets,
            tape: training.tape,
            cache: training.cache,
            workspace: training.workspace,
            backward: training.backward,
            gradients: [training.gradients],
            training.fixture.context,
            yield: nil
        )
    }

    @Test(
        "gradients of head and pairs equal finite differences of the scores",
        arguments: ["llama-gqa", "qwen2"]
    )
    func againstDifferences(_ model: String) throws {
        var configuration = LoRAConfiguration()
        configuration.rank = 2
        configuration.targets = .allLinear
        let training = try TrainingFixture(
            ModelFixture(folder: ModelFixture.root + "/" + model, base: .nf4),
            configuration,
            rows: 64,
            logitRows: 16,
            hasScoreHead: true
        )
        training.randomize(seed: 5)
        let prompts: [[Int32]] = [[5, 9, 33, 71, 2, 44, 18], [7, 8, 90, 3, 61]]
        let batch = training.batch(prompts)
        let targets = targets(prompts, [0.75, -0.5])
        try training.forward(batch)
        _ = try backward(training, targets)
        let layout = training.parameters.layout
        let head = try #require(layout.scoreHead)
        var places = layout.entries.flatMap {
            [$0.a.lowerBound + 3, $0.bTransposed.lowerBound + 5]
        }
        places += [head.weight.lowerBound + 7, head.bias.lowerBound]
        for place in places {
            let value = training.parameters.values[place]
            let step: Float = 2e-3
            training.parameters.values[place] = value + step
            let above = try loss(training, batch, targets)
            training.parameters.values[place] = value - step
            let below = try loss(training, batch, targets)
            training.parameters.values[place] = value
            let difference = (above - below) / Double(2 * step)
            let gradient = Double(training.gradients.tensors.values[place])
            #expect(
                abs(difference - gradient) < 1e-3 + 1e-2 * abs(gradient),
                "\(place): \(difference) \(gradient)"
            )
        }
        #expect(training.gradients.tensors.values[head.bias.lowerBound] == 0.25)
    }

    @Test("a sequence has the same score alone and beside others, in training and in serving")
    func neighbours() throws {
        let training = try TrainingFixture(
            ModelFixture("llama-gqa"),
            LoRAConfiguration(),
            rows: 64,
            logitRows: 16,
            hasScoreHead: true
        )
        training.randomize(seed: 5)
        let prompts: [[Int32]] = [[5, 9, 33, 71, 2, 44, 18], [7, 8, 90, 3, 61], [4, 4]]
        func scores(_ prompts: [[Int32]]) throws -> [Float] {
            try training.forward(training.batch(prompts))
            return try backward(training, targets(prompts, prompts.map { _ in 1 })).map(\.value)
        }
        let together = try scores(prompts)
        #expect(try prompts.flatMap { try scores([$0]) } == together)
        #expect(Set(together).count == 3)
    }

    @Test("an adapter without a score head scores nothing")
    func noHead() throws {
        let training = try TrainingFixture(
            ModelFixture("llama-gqa"),
            LoRAConfiguration(),
            rows: 64,
            logitRows: 16
        )
        let prompts: [[Int32]] = [[5, 9, 33]]
        try training.forward(training.batch(prompts))
        #expect(try backward(training, targets(prompts, [1]))[0].value.isNaN)
        #expect(training.adapter.score([1]) == nil)
    }
}
