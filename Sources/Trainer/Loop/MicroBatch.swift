import InferenceRuntime

/// Units that go through the model together, their sequences side by side without padding.
struct MicroBatch {
    /// How many targets there are.
    var count: Int { rows.count }
    private let batch: Batch
    private let target: ObjectiveTarget
    /// The batch row of each target: that whose logits predict a token, or a sequence's last.
    private let rows: [Int32]
    /// The token of each target; none where scores are asked for.
    private let tokens: [Int32]
    /// The line of each target's unit.
    private let lines: [Int]

    /// Where a pass is computed.
    struct Place {
        let model: Transformer
        let workspace: TrainingWorkspace
        let context: ComputeContext
        /// Called between layers; throws to end the pass.
        let yield: () throws -> Void
    }

    init(
        _ units: [TrainingUnit],
        adapters mix: AdapterMix,
        target: ObjectiveTarget = .tokens
    ) {
        var batch = Batch()
        var rows: [Int32] = []
        var tokens: [Int32] = []
        var lines: [Int] = []
        var block: Int32 = 0
        for unit in units {
            for sequence in unit.sequences {
                let first = batch.rows
                let blocks = Int32(TrainingWorkspace.cacheBlocks(of: sequence.tokens.count))
                batch.append(
                    tokens: sequence.tokens,
                    firstPosition: 0,
                    maxLength: sequence.tokens.count,
                    blockTable: Array(block..<block + blocks),
                    adapters: mix,
                    logits: .none
                )
                block += blocks
                guard target == .tokens else {
                    rows.append(Int32(batch.rows - 1))
                    lines.append(unit.line)
                    continue
                }
                for place in TrainingUnit.targets(of: sequence) {
                    rows.append(Int32(first + place - 1))
                    tokens.append(sequence.tokens[place])
                    lines.append(unit.line)
                }
            }
        }
        self.batch = batch
        self.target = target
        self.rows = rows
        self.tokens = tokens
        self.lines = lines
    }

    /// The line of the first unit whose loss is no number; `nil` where all are.
    func brokenLine(_ scores: [TokenScore]) -> Int? {
        zip(scores, lines).first { !$0.0.value.isFinite }?.1
    }

    /// Computes the pass; scores and gradients follow from what it leaves in the workspace.
    func forward(_ options: PassOptions, _ place: Place) throws {
        try place.model.forward(
            batch,
            cache: place.workspace.cache,
            workspace: place.workspace.activations,
            tape: place.workspace.tape,
            options: options,
            place.context,
            yield: place.yield
        )
    }

    /// How each target did in the last pass.
    func scores(_ place: Place) throws -> [TokenScore] {
        guard target == .tokens else {
            return place.model.scores(
                ScoreTargets(rows: rows, weights: rows.map { _ in 0 }),
                tape: place.workspace.tape,
                workspace: place.workspace.activations,
                place.context
            )
        }
        return try place.model.scores(
            LossTargets(rows: rows, tokens: tokens, weights: rows.map { _ in 0 }),
            tape: place.workspace.tape,
            cache: place.workspace.cache,
            workspace: place.workspace.activations,
            backward: place.workspace.gradients,
            place.context,
            yield: place.yield
        )
    }

    /// Adds the gradients of Σ weight × −log p, or of Σ weight × score, of the last pass, and says how
    /// each target did.
    func backward(
        _ weights: ArraySlice<Float>,
        _ gradients: LoRAGradients,
        _ place: Place
    ) throws -> [TokenScore] {
        guard target == .tokens else {
            return try place.model.backward(
                ScoreTargets(rows: rows, weights: Array(weights)),
                tape: place.workspace.tape,
                cache: place.workspace.cache,
                workspace: place.workspace.activations,
                backward: place.workspace.gradients,
                gradients: [gradients],
                place.context,
                yield: place.yield
            )
        }
        return try place.model.backward(
            LossTargets(rows: rows, tokens: tokens, weights: Array(weights)),
            tape: place.workspace.tape,
            cache: place.workspace.cache,
            workspace: place.workspace.activations,
            backward: place.workspace.gradients,
            gradients: [gradients],
            place.context,
            yield: place.yield
        )
    }
}
