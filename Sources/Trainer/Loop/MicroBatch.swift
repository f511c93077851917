import InferenceRuntime

/// Sequences that go through the model together, side by side without padding.
struct MicroBatch {
    private let batch: Batch
    private let targets: LossTargets
    /// The weight of each target's loss, unscaled.
    let weights: [Float]
    /// The line of each target's example.
    private let lines: [Int]

    /// - Parameter scale: Multiplies every weight in the gradient: 1 over the weights of a step.
    init(
        _ sequences: [LabelledExample],
        scale: Double,
        adapters mix: AdapterMix,
        _ workspace: TrainingWorkspace
    ) {
        var batch = Batch()
        var rows: [Int32] = []
        var tokens: [Int32] = []
        var weights: [Float] = []
        var lines: [Int] = []
        var block: Int32 = 0
        for sequence in sequences {
            let first = batch.rows
            let blocks = Int32(TrainingWorkspace.cacheBlocks(of: sequence.example.tokens.count))
            batch.append(
                tokens: sequence.example.tokens,
                firstPosition: 0,
                reach: sequence.example.tokens.count,
                blockTable: Array(block..<block + blocks),
                adapters: mix,
                logits: .none
            )
            block += blocks
            for (place, weight) in sequence.example.weights.enumerated()
            where place > 0 && weight > 0 {
                rows.append(Int32(first + place - 1))
                tokens.append(sequence.example.tokens[place])
                weights.append(weight)
                lines.append(sequence.line)
            }
        }
        self.batch = batch
        self.weights = weights
        self.lines = lines
        targets = LossTargets(
            rows: rows,
            tokens: tokens,
            weights: weights.map { Float(Double($0) * scale) }
        )
    }

    /// The line of the first example whose loss is no number; `nil` where all are.
    func brokenLine(_ scores: [TokenScore]) -> Int? {
        zip(scores, lines).first { !$0.0.logProbability.isFinite }?.1
    }

    /// Adds the gradients of the weighted loss, and says how each target did.
    func backward(
        _ model: Transformer,
        _ workspace: TrainingWorkspace,
        _ gradients: LoRAGradients,
        _ context: ComputeContext,
        _ yield: @escaping () throws -> Void
    ) throws -> [TokenScore] {
        try forward(model, workspace, context, yield)
        return try model.backward(
            targets,
            tape: workspace.tape,
            cache: workspace.cache,
            workspace: workspace.activations,
            backward: workspace.gradients,
            gradients: [gradients],
            context,
            yield: yield
        )
    }

    /// Says how each target did, without gradients.
    func scores(
        _ model: Transformer,
        _ workspace: TrainingWorkspace,
        _ context: ComputeContext,
        _ yield: @escaping () throws -> Void
    ) throws -> [TokenScore] {
        try forward(model, workspace, context, yield)
        return try model.scores(
            targets,
            tape: workspace.tape,
            cache: workspace.cache,
            workspace: workspace.activations,
            backward: workspace.gradients,
            context,
            yield: yield
        )
    }

    private func forward(
        _ model: Transformer,
        _ workspace: TrainingWorkspace,
        _ context: ComputeContext,
        _ yield: @escaping () throws -> Void
    ) throws {
        try model.forward(
            batch,
            cache: workspace.cache,
            workspace: workspace.activations,
            tape: workspace.tape,
            context,
            yield: yield
        )
    }
}
