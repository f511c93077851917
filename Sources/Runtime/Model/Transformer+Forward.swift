extension Transformer {
    /// Computes the rows of a batch: writes their keys and values to the cache, and the logits of
    /// the rows that want them to the workspace.
    ///
    /// With a tape the pass can be followed by `backward`. `yield` is called between layers and
    /// within them, between pieces of a product, where an error it throws is left to the call after
    /// the layer. While `yield` runs, workspace and tape stay untouched; everything else may be used.
    /// - Throws: what `yield` throws; the cache then holds a part of the rows.
    public func forward(
        _ batch: Batch,
        cache: KVBlockPool,
        workspace: Workspace,
        tape: Tape?,
        options: PassOptions = PassOptions(),
        _ context: ComputeContext,
        yield: (() throws -> Void)?
    ) throws {
        check(batch, workspace, context)
        guard batch.rows > 0 else { return }
        tape?.options = options
        try context.pool.held {
            var step = begin(batch, options, cache: cache, workspace: workspace, context)
            step.pause = Self.pause(options, context, yield)
            let count = batch.rows * architecture.hiddenSize
            for (index, block) in blocks.enumerated() {
                tape?.input(index).update(from: workspace.hidden.baseAddress, count: count)
                block.forward(step)
                tape?.keep(index, workspace, rows: batch.rows)
                try yield?()
            }
            if let tape {
                precondition(batch.rows <= tape.maxRows, "a batch within its tape")
                tape.input(blocks.count).update(from: workspace.hidden.baseAddress, count: count)
                tape.batch = batch
            }
            computeLogits(batch, step)
        }
    }

    /// Calls `yield` where nothing can be thrown: it will throw the same between layers.
    static func pause(
        _ options: PassOptions,
        _ context: ComputeContext,
        _ yield: (() throws -> Void)?
    ) -> Pause? {
        yield.map { yield in
            Pause(products: options.productsPerPiece, threads: context.pool.threads) {
                try? yield()
            }
        }
    }

    private func check(_ batch: Batch, _ workspace: Workspace, _ context: ComputeContext) {
        precondition(context.dtype == compute, "the model's own compute mode")
        precondition(batch.rows <= workspace.maxRows, "a batch within its workspace")
        precondition(batch.logitRows.count <= workspace.maxLogitRows, "logits in their workspace")
        precondition(
            batch.segments.allSatisfy { $0.rows.upperBound <= batch.rows },
            "segments within the batch"
        )
    }

    /// Embeds the tokens and prepares what all layers share.
    func begin(
        _ batch: Batch,
        _ options: PassOptions,
        cache: KVBlockPool,
        workspace: Workspace,
        _ context: ComputeContext
    ) -> LayerStep {
        workspace.sequences.load(batch, cache: cache)
        embed(batch, workspace)
        if let noise = options.embeddingNoise {
            for (index, sequence) in batch.sequences.enumerated() {
                noise.add(
                    to: workspace.hidden.baseAddress
                        + sequence.rows.lowerBound * architecture.hiddenSize,
                    rows: sequence.rows.count,
                    hidden: architecture.hiddenSize,
                    sequence: index
                )
            }
        }
        makeRotaries(batch, workspace)
        return LayerStep(
            rows: batch.rows,
            segments: batch.segments,
            dropout: options.dropout,
            sequences: workspace.sequences.list,
            cache: cache,
            workspace: workspace,
            context: context
        )
    }

    private func embed(_ batch: Batch, _ workspace: Workspace) {
        let hidden = architecture.hiddenSize
        for (row, token) in batch.tokens.enumerated() {
            precondition(token >= 0 && token < architecture.vocabularySize, "a token of the model")
            embedding.gather(
                row: Int(token),
                into: workspace.hidden.baseAddress + row * hidden
            )
        }
        for segment in batch.segments {
            for entry in segment.mix.entries {
                guard let pair = entry.adapter.embedding else { continue }
                for row in segment.rows {
                    pair.add(
                        token: Int(batch.tokens[row]),
                        scale: entry.scale,
                        to: workspace.hidden.baseAddress + row * hidden,
                        hidden: hidden
                    )
                }
            }
        }
        if architecture.embeddingScale != 1 {
            Vector.scale(
                workspace.hidden.baseAddress,
                count: batch.rows * hidden,
                by: architecture.embeddingScale
            )
        }
    }

    private func makeRotaries(_ batch: Batch, _ workspace: Workspace) {
        for (index, rotary) in architecture.rotaries.enumerated() {
            let table = workspace.rotaries[index]
            for sequence in batch.sequences {
                let rows = sequence.rows
                let frequencies = workspace.frequencies(
                    rotary,
                    index: index,
                    regime: rotary.regime(maxLength: sequence.maxLength)
                )
                let positions = workspace.positions(
                    first: sequence.firstPosition,
                    count: rows.count
                )
                frequencies.withUnsafeBufferPointer { frequencies in
                    RoPE.table(
                        positions: positions,
                        rows: rows.count,
                        inverseFrequencies: frequencies,
                        factor: rotary.attentionFactor,
                        cosines: table.cosines.baseAddress + rows.lowerBound * table.half,
                        sines: table.sines.baseAddress + rows.lowerBound * table.half
                    )
                }
            }
        }
    }

    private func computeLogits(_ batch: Batch, _ step: LayerStep) {
        guard !batch.logitRows.isEmpty else { return }
        let workspace = step.workspace
        computeHead(
            rows: batch.logitRows,
            of: workspace.hidden.baseAddress,
            segments: batch.segments,
            step
        )
    }

    /// Logits of some rows of a final residual stream, into the workspace.
    func computeHead(
        rows: some Collection<Int32>,
        of stream: UnsafePointer<Float>,
        segments: [LoRASegment],
        _ step: LayerStep
    ) {
        let (workspace, hidden) = (step.workspace, architecture.hiddenSize)
        let input = workspace.headIn.baseAddress
        for (index, row) in rows.enumerated() {
            precondition(row >= 0 && row < Int32(step.rows), "a row of the batch")
            (input + index * hidden).update(from: stream + Int(row) * hidden, count: hidden)
        }
        finalNorm.forward(input, rows: rows.count, into: input, step.context)
        workspace.input.load(input, rows: rows.count, columns: hidden, step.context)
        var own = step
        own.rows = rows.count
        own.dropout = nil
        own.segments = headSegments(segments, rows: rows)
        guard let logits = workspace.logits.baseAddress else { return }
        let width = architecture.vocabularySize
        head.forward(input, workspace.input, into: logits, stride: width, own)
        if architecture.logitDivisor != 1 {
            let count = rows.count * width
            for index in 0..<count { logits[index] /= architecture.logitDivisor }
        }
        if let cap = architecture.logitSoftCap {
            SoftCap.apply(logits, count: rows.count * width, cap: cap)
        }
    }

    /// Segments in the numbering of logit rows, for adapters that change the head.
    func headSegments(
        _ segments: [LoRASegment],
        rows: some Collection<Int32>
    ) -> [LoRASegment] {
        guard
            segments.contains(where: { segment in
                segment.mix.entries.contains { $0.adapter.pair(head.module.slot) != nil }
            })
        else { return [] }
        return segments.compactMap { segment in
            let own = rows.enumerated().filter { segment.rows.contains(Int($0.element)) }
            guard let first = own.first, let last = own.last else { return nil }
            return LoRASegment(rows: first.offset..<last.offset + 1, mix: segment.mix)
        }
    }
}

extension EmbeddingPair {
    /// x [hidden] += scale × B A[:, token].
    func add(token: Int, scale: Float, to x: UnsafeMutablePointer<Float>, hidden: Int) {
        for index in 0..<rank {
            let factor = aTransposed[token * rank + index] * self.scale * scale
            Vector.add(bTransposed + index * hidden, times: factor, count: hidden, to: x)
        }
    }
}
