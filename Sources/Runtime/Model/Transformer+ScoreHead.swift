/// What a loss wants of score heads: at some rows, the score.
public struct ScoreTargets: Sendable {
    /// Rows of the batch, ascending: each the last token of a sequence.
    public var rows: [Int32]
    /// d loss / d score at each row.
    public var weights: [Float]

    /// Targets with a weight each.
    public init(rows: [Int32], weights: [Float]) {
        precondition(rows.count == weights.count, "a weight for every row")
        self.rows = rows
        self.weights = weights
    }
}

extension Transformer {
    /// The scores of rows after a forward pass with `tape`, each by the head of its own adapter; no
    /// number where that has none.
    public func scores(
        _ targets: ScoreTargets,
        tape: Tape,
        workspace: Workspace,
        _ context: ComputeContext
    ) -> [TokenScore] {
        targets.rows.map { row in
            let head = scoringAdapter(of: Int(row), in: tape.batch)?.scoreHead
            let value = head.map { $0.score(normed(Int(row), of: tape, workspace, context)) }
            return TokenScore(value: value ?? .nan)
        }
    }

    /// Adds the gradients of Σ weight × score to adapters in training, and returns the scores.
    ///
    /// d w += g h, d b += g, and g w goes into the backward pass of the final norm; from there on it
    /// is that of `backward` for log-probabilities.
    public func backward(
        _ targets: ScoreTargets,
        tape: Tape,
        cache: KVBlockPool,
        workspace: Workspace,
        backward grads: BackwardWorkspace,
        gradients: [LoRAGradients],
        _ context: ComputeContext,
        yield: (() throws -> Void)?
    ) throws -> [TokenScore] {
        try backward(
            tape: tape,
            cache: cache,
            workspace: workspace,
            backward: grads,
            gradients: gradients,
            context,
            yield: yield
        ) { step in
            zip(targets.rows, targets.weights).map { row, weight in
                backwardScore(Int(row), weight, tape, step)
            }
        }
    }

    private func backwardScore(
        _ row: Int,
        _ weight: Float,
        _ tape: Tape,
        _ step: BackwardStep
    ) -> TokenScore {
        guard let adapter = scoringAdapter(of: row, in: tape.batch),
            let head = adapter.scoreHead
        else { return TokenScore(value: .nan) }
        let (workspace, context) = (step.step.workspace, step.step.context)
        let hidden = normed(row, of: tape, workspace, context)
        if let gradients = step.gradients(of: adapter),
            let entry = gradients.tensors.layout.scoreHead
        {
            let values = gradients.tensors.values.baseAddress
            let count = head.inputs
            Vector.add(hidden, times: weight, count: count, to: values + entry.weight.lowerBound)
            values[entry.bias.lowerBound] += weight
        }
        let dHidden = step.workspace.headIn.cleared(head.inputs)
        Vector.add(head.weight, times: weight, count: head.inputs, to: dHidden)
        let offset = row * architecture.hiddenSize
        finalNorm.backward(
            tape.input(blocks.count) + offset,
            gradient: dHidden,
            rows: 1,
            into: step.workspace.hidden.pointer + offset,
            context
        )
        return TokenScore(value: head.score(hidden))
    }

    /// The final normed stream of a row, in the workspace; no numbers where it is not sound.
    private func normed(
        _ row: Int,
        of tape: Tape,
        _ workspace: Workspace,
        _ context: ComputeContext
    ) -> UnsafePointer<Float> {
        precondition(row >= 0 && row < tape.batch.rows, "a row of the batch")
        let stream = tape.input(blocks.count) + row * architecture.hiddenSize
        let normed = workspace.headIn.baseAddress
        finalNorm.forward(stream, rows: 1, into: normed, context)
        if !isSound(stream) { normed[0] = .nan }
        return UnsafePointer(normed)
    }

    /// The adapter of a row that has a score head.
    private func scoringAdapter(of row: Int, in batch: Batch) -> LoRAAdapter? {
        batch.segments.first { $0.rows.contains(row) }?.mix.scoringAdapter
    }
}

extension AdapterMix {
    /// The one adapter with a score head; `nil` where none has, or several.
    public var scoringAdapter: LoRAAdapter? {
        let scoring = entries.filter { $0.adapter.scoreHead != nil }
        return scoring.count == 1 ? scoring[0].adapter : nil
    }
}
