/// What a loss wants of a pass: at some rows, the probability of a token.
public struct LossTargets: Sendable {
    /// Rows of the batch, ascending; the row of a token predicts the next one.
    public var rows: [Int32]
    /// The token wanted at each row.
    public var tokens: [Int32]
    /// d loss / d (-log probability) at each row: for a mean over n tokens, 1 / n.
    public var weights: [Float]

    /// Targets with a weight each.
    public init(rows: [Int32], tokens: [Int32], weights: [Float]) {
        precondition(
            rows.count == tokens.count && rows.count == weights.count,
            "a token and a weight for every row"
        )
        self.rows = rows
        self.tokens = tokens
        self.weights = weights
    }
}

/// How a pass did at one target.
public struct TokenScore: Sendable, Hashable {
    /// log probability of the wanted token, or what a score head says at a sequence's last one.
    public var value: Float
    /// Whether the wanted token was the likeliest.
    public var isCorrect: Bool

    /// log probability of the wanted token.
    public var logProbability: Float { value }

    /// How a token did.
    public init(logProbability: Float, isCorrect: Bool) {
        value = logProbability
        self.isCorrect = isCorrect
    }

    /// What a score head says.
    public init(value: Float) {
        self.value = value
        isCorrect = false
    }
}

extension Transformer {
    /// Log probabilities of targets after a forward pass with `tape`; vocabulary-wide rows exist
    /// only `workspace.maxLogitRows` at a time.
    public func scores(
        _ targets: LossTargets,
        tape: Tape,
        cache: KVBlockPool,
        workspace: Workspace,
        backward: BackwardWorkspace,
        _ context: ComputeContext,
        yield: (() throws -> Void)?
    ) throws -> [TokenScore] {
        var step = resume(tape, cache: cache, workspace: workspace, context)
        step.pause = Self.pause(tape.options, context, yield)
        var scores: [TokenScore] = []
        try forEachTile(targets, workspace) { tile in
            computeHead(
                rows: targets.rows[tile],
                of: tape.input(blocks.count),
                segments: tape.batch.segments,
                step
            )
            let stream = UnsafePointer(tape.input(blocks.count))
            score(targets, tile, stream, .none, workspace, backward, context, into: &scores)
            try yield?()
        }
        return scores
    }

    /// Adds the gradients of Σ weight × -log probability to adapters in training, and returns how
    /// the pass did at every target.
    ///
    /// Every sequence of the tape's batch begins at position 0, and its keys and values are still
    /// in the cache. `yield` is called between tiles of the head, between layers and, as in
    /// `forward`, within them.
    public func backward(
        _ targets: LossTargets,
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
        ) { own in try backwardHead(targets, tape, own.step, grads, yield: yield) }
    }

    /// The backward pass below what turns targets into gradients of the final stream.
    func backward(
        tape: Tape,
        cache: KVBlockPool,
        workspace: Workspace,
        backward grads: BackwardWorkspace,
        gradients: [LoRAGradients],
        _ context: ComputeContext,
        yield: (() throws -> Void)?,
        _ backwardHead: (BackwardStep) throws -> [TokenScore]
    ) throws -> [TokenScore] {
        var step = resume(tape, cache: cache, workspace: workspace, context)
        step.pause = Self.pause(tape.options, context, yield)
        let count = step.rows * architecture.hiddenSize
        _ = grads.hidden.cleared(count)
        let own = BackwardStep(step: step, workspace: grads, gradients: gradients)
        let scores = try backwardHead(own)
        for index in blocks.indices.reversed() {
            let input = tape.input(index)
            workspace.hidden.baseAddress.update(from: input, count: count)
            blocks[index].recompute(tape.kept(index), step)
            blocks[index].backward(grads.hidden.pointer, x: input, own)
            try yield?()
        }
        return scores
    }

    /// The step of the pass that a tape recorded.
    private func resume(
        _ tape: Tape,
        cache: KVBlockPool,
        workspace: Workspace,
        _ context: ComputeContext
    ) -> LayerStep {
        begin(tape.batch, tape.options, cache: cache, workspace: workspace, context)
    }

    private func forEachTile(
        _ targets: LossTargets,
        _ workspace: Workspace,
        _ body: (Range<Int>) throws -> Void
    ) rethrows {
        var first = 0
        while first < targets.rows.count {
            let last = min(first + workspace.maxLogitRows, targets.rows.count)
            try body(first..<last)
            first = last
        }
    }

    /// Whether a row can be normalised: no number in it whose square would be infinite.
    ///
    /// Quantized products would hide it: everything after it is zero, and the loss is finite.
    func isSound(_ row: UnsafePointer<Float>) -> Bool {
        UnsafeBufferPointer(start: row, count: architecture.hiddenSize)
            .allSatisfy { abs($0) < 1e18 }
    }

    /// Scores a tile of logits, and turns them into gradients where asked.
    private func score(
        _ targets: LossTargets,
        _ tile: Range<Int>,
        _ stream: UnsafePointer<Float>,
        _ gradient: LossGradient,
        _ workspace: Workspace,
        _ grads: BackwardWorkspace,
        _ context: ComputeContext,
        into scores: inout [TokenScore]
    ) {
        guard let logits = workspace.logits.baseAddress else { return }
        targets.tokens.withUnsafeBufferPointer { tokens in
            targets.weights.withUnsafeBufferPointer { weights in
                guard let tokens = tokens.baseAddress, let weights = weights.baseAddress else {
                    return
                }
                CrossEntropy.forwardBackward(
                    logits,
                    rows: tile.count,
                    vocabulary: architecture.vocabularySize,
                    stride: architecture.vocabularySize,
                    targets: tokens + tile.lowerBound,
                    weights: weights + tile.lowerBound,
                    gradient: gradient,
                    loss: grads.losses.baseAddress,
                    correct: grads.correct.baseAddress,
                    context
                )
            }
        }
        for (index, row) in targets.rows[tile].enumerated() {
            let isSound = isSound(stream + Int(row) * architecture.hiddenSize)
            scores.append(
                TokenScore(
                    logProbability: isSound ? -grads.losses[index] : .nan,
                    isCorrect: grads.correct[index] != 0
                )
            )
        }
    }

    private func backwardHead(
        _ targets: LossTargets,
        _ tape: Tape,
        _ step: LayerStep,
        _ grads: BackwardWorkspace,
        yield: (() throws -> Void)?
    ) throws -> [TokenScore] {
        let (workspace, width) = (step.workspace, architecture.vocabularySize)
        let stream = tape.input(blocks.count)
        var scores: [TokenScore] = []
        scores.reserveCapacity(targets.rows.count)
        try forEachTile(targets, workspace) { tile in
            guard let logits = workspace.logits.baseAddress else { return }
            let rows = targets.rows[tile]
            let count = tile.count * width
            computeHead(rows: rows, of: stream, segments: tape.batch.segments, step)
            if architecture.logitSoftCap != nil {
                grads.logits.baseAddress.update(from: logits, count: count)
            }
            let scale = 1 / architecture.logitDivisor
            score(
                targets,
                tile,
                stream,
                .inPlace(scale: scale),
                workspace,
                grads,
                step.context,
                into: &scores
            )
            step.pause?.run()
            if let cap = architecture.logitSoftCap {
                SoftCap.backward(
                    capped: grads.logits.baseAddress,
                    count: count,
                    cap: cap,
                    gradient: logits
                )
            }
            let segments = headSegments(tape.batch.segments, rows: rows)
            backwardHeadRows(rows, stream, logits, segments, step, grads)
            try yield?()
        }
        return scores
    }

    /// From the gradients of logits to those of the residual stream.
    private func backwardHeadRows(
        _ rows: ArraySlice<Int32>,
        _ stream: UnsafePointer<Float>,
        _ dLogits: UnsafePointer<Float>,
        _ segments: [LoRASegment],
        _ step: LayerStep,
        _ grads: BackwardWorkspace
    ) {
        let hidden = architecture.hiddenSize
        let dInput = grads.headIn.cleared(rows.count * hidden)
        var own = BackwardStep(step: step, workspace: grads, gradients: [])
        own.step.rows = rows.count
        own.step.segments = segments
        own.step.dropout = nil
        head.backward(
            dLogits,
            stride: architecture.vocabularySize,
            x: step.workspace.headIn.baseAddress,
            into: dInput,
            own
        )
        for (index, row) in rows.enumerated() {
            let offset = Int(row) * hidden
            finalNorm.backward(
                stream + offset,
                gradient: dInput + index * hidden,
                rows: 1,
                into: grads.hidden.pointer + offset,
                step.context
            )
        }
    }
}
