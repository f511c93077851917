/// Self-attention of one block: q, k, v, rotation, paged attention, output projection.
struct AttentionLayer: Sendable {
    /// q, k and v, or all three as one; each writes its columns of a row of `qkv`.
    let inputs: LinearGroup
    let output: Linear
    /// Norms of the heads of q and k.
    let queryNorm: NormLayer?, keyNorm: NormLayer?
    /// The norms come after rotation, not before.
    let normalizesRotated: Bool
    /// A fused matrix orders its rows by key head.
    let interleavesInputs: Bool
    /// Rotation turns neighbouring pairs.
    let rotatesNeighbours: Bool
    let kernel: Attention
    /// Which rotary table; nil: none.
    let rotary: Int?
    let layer: Int

    var queryWidth: Int { kernel.heads * kernel.headDim }
    var keyWidth: Int { kernel.kvHeads * kernel.headDim }
    /// A row of q, k and v.
    var width: Int { queryWidth + 2 * keyWidth }

    /// out [rows, hidden] from x [rows, hidden].
    func forward(
        _ x: UnsafePointer<Float>,
        into out: UnsafeMutablePointer<Float>,
        _ step: LayerStep
    ) {
        let workspace = step.workspace
        let qkv = workspace.qkv.baseAddress
        workspace.input.load(x, rows: step.rows, columns: hidden, step.context)
        inputs.forward(x, workspace.input, into: qkv, stride: width, step)
        if interleavesInputs { FusedHeads(kernel).separate(qkv, rows: step.rows, step.workspace) }
        if normalizesRotated { rotate(qkv, step) }
        normalizeHeads(qkv, step)
        if !normalizesRotated { rotate(qkv, step) }
        kernel.write(
            k: qkv + queryWidth,
            v: qkv + queryWidth + keyWidth,
            stride: width,
            sequences: step.sequences,
            cache: step.cache,
            layer: layer
        )
        let attended = workspace.attended.baseAddress
        kernel.forward(
            q: qkv,
            qStride: width,
            sequences: step.sequences,
            cache: step.cache,
            layer: layer,
            into: attended,
            outStride: queryWidth,
            logSumExp: workspace.logSumExp?.pointer,
            step.context
        )
        workspace.input.load(attended, rows: step.rows, columns: queryWidth, step.context)
        output.forward(attended, workspace.input, into: out, stride: hidden, step)
    }

    private var hidden: Int { output.outputs }

    private func normalizeHeads(_ qkv: UnsafeMutablePointer<Float>, _ step: LayerStep) {
        guard let queryNorm, let keyNorm else { return }
        if let raw = step.workspace.rawHeads {
            for row in 0..<step.rows {
                (raw.pointer + row * (queryWidth + keyWidth))
                    .update(from: qkv + row * width, count: queryWidth + keyWidth)
            }
        }
        for row in 0..<step.rows {
            let q = qkv + row * width
            let k = q + queryWidth
            let (queries, keys) = (queryWidth / queryNorm.columns, keyWidth / keyNorm.columns)
            queryNorm.forward(q, rows: queries, into: q, step.context)
            keyNorm.forward(k, rows: keys, into: k, step.context)
        }
    }

    private func rotate(_ qkv: UnsafeMutablePointer<Float>, _ step: LayerStep) {
        guard let rotary else { return }
        let table = step.workspace.rotaries[rotary]
        RoPE.apply(
            qkv,
            rows: step.rows,
            heads: kernel.heads + kernel.kvHeads,
            headDim: kernel.headDim,
            stride: width,
            half: table.half,
            cosines: table.cosines.baseAddress,
            sines: table.sines.baseAddress,
            neighbours: rotatesNeighbours
        )
    }
}

extension AttentionLayer {
    /// dx += the gradient through this layer; the workspace holds what `forward` left.
    func backward(
        _ g: UnsafePointer<Float>,
        x: UnsafePointer<Float>,
        into dx: UnsafeMutablePointer<Float>,
        _ backward: BackwardStep
    ) {
        let (step, grads) = (backward.step, backward.workspace)
        let (rows, workspace) = (step.rows, step.workspace)
        let dAttended = grads.attended.cleared(rows * queryWidth)
        output.backward(
            g,
            stride: hidden,
            x: workspace.attended.baseAddress,
            into: dAttended,
            backward
        )
        let dqkv = grads.qkv.baseAddress
        guard let logSumExp = workspace.logSumExp else {
            preconditionFailure("a workspace for training keeps log-sum-exps")
        }
        kernel.backward(
            q: workspace.qkv.baseAddress,
            qStride: width,
            out: workspace.attended.baseAddress,
            gradient: dAttended,
            outStride: queryWidth,
            logSumExp: logSumExp.pointer,
            delta: grads.delta.baseAddress,
            sequences: step.sequences,
            cache: step.cache,
            layer: layer,
            dq: dqkv,
            dk: dqkv + queryWidth,
            dv: dqkv + queryWidth + keyWidth,
            kvStride: width,
            step.context
        )
        if !normalizesRotated { rotateBack(dqkv, step) }
        normalizeHeadsBack(dqkv, backward)
        if normalizesRotated { rotateBack(dqkv, step) }
        if interleavesInputs { FusedHeads(kernel).join(dqkv, rows: rows, workspace) }
        for part in inputs.parts {
            part.linear.backward(dqkv + part.column, stride: width, x: x, into: dx, backward)
        }
    }

    private func rotateBack(_ dqkv: UnsafeMutablePointer<Float>, _ step: LayerStep) {
        guard let rotary else { return }
        let table = step.workspace.rotaries[rotary]
        RoPE.backward(
            dqkv,
            rows: step.rows,
            heads: kernel.heads + kernel.kvHeads,
            headDim: kernel.headDim,
            stride: width,
            half: table.half,
            cosines: table.cosines.baseAddress,
            sines: table.sines.baseAddress,
            neighbours: rotatesNeighbours
        )
    }

    private func normalizeHeadsBack(
        _ dqkv: UnsafeMutablePointer<Float>,
        _ backward: BackwardStep
    ) {
        guard let queryNorm, let keyNorm, let raw = backward.step.workspace.rawHeads else { return }
        let count = queryWidth + keyWidth
        for row in 0..<backward.step.rows {
            let dy = dqkv + row * width
            let x = raw.pointer + row * count
            let dx = backward.workspace.heads.cleared(count)
            let context = backward.step.context
            let queries = queryWidth / queryNorm.columns
            queryNorm.backward(x, gradient: dy, rows: queries, into: dx, context)
            keyNorm.backward(
                x + queryWidth,
                gradient: dy + queryWidth,
                rows: keyWidth / keyNorm.columns,
                into: dx + queryWidth,
                context
            )
            dy.update(from: dx, count: count)
        }
    }
}
