import InferenceRuntime

/// One adapter in training over a tiny model, and the memory of its passes.
struct TrainingFixture {
    let fixture: ModelFixture
    let parameters: LoRATensors
    let adapter: LoRAAdapter
    let gradients: LoRAGradients
    let tape: Tape
    let cache: KVBlockPool
    let workspace: Workspace
    let backward: BackwardWorkspace
    /// Of every forward pass.
    var options = PassOptions()
    /// Called within passes.
    var yield: (() throws -> Void)?

    init(
        _ fixture: ModelFixture,
        _ configuration: LoRAConfiguration,
        rows: Int,
        logitRows: Int,
        activationBytes: Int = 0,
        hasScoreHead: Bool = false
    ) throws {
        let model = fixture.model
        self.fixture = fixture
        parameters = LoRATensors(
            try LoRALayout(
                configuration,
                for: model.architecture,
                hasScoreHead: hasScoreHead
            )
        )
        adapter = LoRAAdapter(
            trainable: parameters,
            configuration: configuration,
            for: model.architecture
        )
        gradients = LoRAGradients(adapter: adapter, parameters: parameters)
        tape = model.makeTape(maxRows: rows, activationBytes: activationBytes)
        cache = model.makeCache(blocks: rows / 16 + 8)
        workspace = model.makeWorkspace(
            maxRows: rows,
            maxLogitRows: logitRows,
            purpose: .training
        )
        backward = model.makeBackwardWorkspace(maxRows: rows, maxLogitRows: logitRows)
    }

    /// Random numbers in every tensor, so that no gradient vanishes.
    func randomize(seed: UInt64) {
        var state = seed
        for index in 0..<parameters.values.count {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            parameters.values[index] = 0.2 * (Float(state >> 40) / 16_777_216 - 0.5)
        }
        for entry in parameters.layout.entries {
            guard let range = entry.magnitude else { continue }
            for index in range { parameters.values[index] += 1 }
        }
    }

    /// A batch of whole prompts, each in blocks of its own.
    func batch(_ prompts: [[Int32]]) -> Batch {
        var batch = Batch()
        var block: Int32 = 0
        for prompt in prompts {
            let count = Int32((prompt.count + 15) / 16)
            batch.append(
                tokens: prompt,
                firstPosition: 0,
                maxLength: prompt.count,
                blockTable: Array(block..<block + count),
                adapters: AdapterMix([.init(adapter: adapter, scale: 1)]),
                logits: .none
            )
            block += count
        }
        return batch
    }

    /// Every token from `first` on of every prompt, with one weight.
    func targets(_ prompts: [[Int32]], from first: Int, weight: Float) -> LossTargets {
        var targets = LossTargets(rows: [], tokens: [], weights: [])
        var row: Int32 = 0
        for prompt in prompts {
            for index in prompt.indices where index >= first {
                targets.rows.append(row + Int32(index) - 1)
                targets.tokens.append(prompt[index])
                targets.weights.append(weight)
            }
            row += Int32(prompt.count)
        }
        return targets
    }

    func forward(_ batch: Batch) throws {
        try fixture.model.forward(
            batch,
            cache: cache,
            workspace: workspace,
            tape: tape,
            options: options,
            fixture.context,
            yield: yield
        )
    }

    @discardableResult
    func backward(_ targets: LossTargets) throws -> [TokenScore] {
        try fixture.model.backward(
            targets,
            tape: tape,
            cache: cache,
            workspace: workspace,
            backward: backward,
            gradients: [gradients],
            fixture.context,
            yield: yield
        )
    }

    /// Σ weight × -log p in double.
    func loss(_ batch: Batch, _ targets: LossTargets) throws -> Double {
        try forward(batch)
        let scores = try fixture.model.scores(
            targets,
            tape: tape,
            cache: cache,
            workspace: workspace,
            backward: backward,
            fixture.context,
            yield: yield
        )
        return zip(scores, targets.weights).reduce(0) {
            $0 - Double($1.0.logProbability) * Double($1.1)
        }
    }
}
