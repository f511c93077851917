/// One block: attention and MLP, each around the residual stream.
struct Block: Sendable {
    /// The second half of a block.
    enum MLP: Sendable {
        case dense(GatedMLP)
        case sparse(SparseMLP)
    }

    /// Before attention, and before the MLP; nil where a family has none there.
    let attentionNorm: NormLayer?, mlpNorm: NormLayer?
    /// After each, where a family normalises there too.
    let attentionPostNorm: NormLayer?, mlpPostNorm: NormLayer?
    /// The MLP reads the block's input, as attention does.
    let isParallel: Bool
    let attention: AttentionLayer
    let mlp: MLP
    /// Factor of what is added to the residual stream.
    let residualScale: Float

    private var hidden: Int { attention.output.outputs }

    /// The residual stream x [rows, hidden] becomes this block's output.
    func forward(_ step: LayerStep) {
        let workspace = step.workspace
        let (x, middle) = (workspace.hidden.baseAddress, workspace.middle.baseAddress)
        attend(step)
        let (second, out) = (normalizeForMLP(step), workspace.mlpOut.baseAddress)
        switch mlp {
        case .dense(let mlp): mlp.forward(second, into: out, step)
        case .sparse(let mlp): mlp.forward(second, into: out, step)
        }
        add(workspace.mlpOut, mlpPostNorm, to: middle, into: x, step)
    }

    /// The first half: from the residual stream to `middle`.
    private func attend(_ step: LayerStep) {
        let workspace = step.workspace
        let x = workspace.hidden.baseAddress
        attention.forward(normalizeInput(step), into: workspace.attentionOut.baseAddress, step)
        let middle = workspace.middle.baseAddress
        add(workspace.attentionOut, attentionPostNorm, to: x, into: middle, step)
    }

    private func normalizeInput(_ step: LayerStep) -> UnsafePointer<Float> {
        let first = step.workspace.attentionIn.baseAddress
        normalize(step.workspace.hidden.baseAddress, attentionNorm, into: first, step)
        return UnsafePointer(first)
    }

    private func normalizeForMLP(_ step: LayerStep) -> UnsafePointer<Float> {
        let workspace = step.workspace
        let second = workspace.mlpIn.baseAddress
        if !isParallel {
            normalize(workspace.middle.baseAddress, mlpNorm, into: second, step)
        } else if let mlpNorm {
            normalize(workspace.hidden.baseAddress, mlpNorm, into: second, step)
        } else {
            normalize(workspace.attentionIn.baseAddress, nil, into: second, step)
        }
        return UnsafePointer(second)
    }

    /// y = norm(x), or x where there is no norm.
    private func normalize(
        _ x: UnsafePointer<Float>,
        _ norm: NormLayer?,
        into y: UnsafeMutablePointer<Float>,
        _ step: LayerStep
    ) {
        if let norm {
            norm.forward(x, rows: step.rows, into: y, step.context)
        } else {
            y.update(from: x, count: step.rows * hidden)
        }
    }

    /// sum = x + scale × norm(y).
    private func add(
        _ y: borrowing AlignedBuffer<Float>,
        _ norm: NormLayer?,
        to x: UnsafePointer<Float>,
        into sum: UnsafeMutablePointer<Float>,
        _ step: LayerStep
    ) {
        let count = step.rows * hidden
        var added = UnsafePointer(y.baseAddress)
        if let norm {
            let normed = step.workspace.normed.baseAddress
            norm.forward(added, rows: step.rows, into: normed, step.context)
            added = UnsafePointer(normed)
        }
        sum.update(from: x, count: count)
        if residualScale == 1 {
            Vector.add(added, count: count, to: sum)
        } else {
            Vector.add(added, times: residualScale, count: count, to: sum)
        }
    }
}

extension Block {
    /// Leaves in the workspace what `backward` reads: from what was kept of `forward`, or computed
    /// again but for products that no gradient needs.
    func recompute(_ kept: KeptActivations?, _ step: LayerStep) {
        let workspace = step.workspace
        if let kept {
            _ = normalizeInput(step)
            kept.load(into: workspace, rows: step.rows)
        } else {
            attend(step)
        }
        let (second, out) = (normalizeForMLP(step), workspace.mlpOut.baseAddress)
        switch mlp {
        case .sparse(let mlp): mlp.forward(second, into: out, step)
        case .dense(let mlp):
            if kept == nil { mlp.projectUp(second, step) }
            mlp.activate(step)
            if kept == nil, mlpPostNorm != nil { mlp.projectDown(into: out, step) }
        }
    }

    /// g [rows, hidden], the gradient of the block's output, becomes that of its input x.
    ///
    /// The workspace holds what `recompute` left; x is what `forward` began with.
    func backward(
        _ g: UnsafeMutablePointer<Float>,
        x: UnsafePointer<Float>,
        _ backward: BackwardStep
    ) {
        let (step, grads) = (backward.step, backward.workspace)
        let workspace = step.workspace
        let count = step.rows * hidden

        let dMLP = residual(g, workspace.mlpOut, mlpPostNorm, backward)
        let dSecond = grads.normed.cleared(count)
        let second = UnsafePointer(workspace.mlpIn.baseAddress)
        switch mlp {
        case .dense(let mlp): mlp.backward(dMLP, x: second, into: dSecond, backward)
        case .sparse(let mlp): mlp.backward(dMLP, x: second, into: dSecond, backward)
        }
        var dFirst = dSecond
        var dStream: UnsafeMutablePointer<Float>?
        if !isParallel {
            addBack(workspace.middle.baseAddress, mlpNorm, dSecond, into: g, step)
        } else if mlpNorm != nil {
            // Attention's gradient is that of the whole sum: the MLP's waits beside it.
            let waiting = grads.addedBeforeNorm.cleared(count)
            addBack(x, mlpNorm, dSecond, into: waiting, step)
            dStream = waiting
        }
        let dAttention = residual(g, workspace.attentionOut, attentionPostNorm, backward)
        // A norm that both halves share takes the sum of their gradients.
        if !isParallel || mlpNorm != nil { dFirst = grads.normed.cleared(count) }
        attention.backward(
            dAttention,
            x: workspace.attentionIn.baseAddress,
            into: dFirst,
            backward
        )
        addBack(x, attentionNorm, dFirst, into: g, step)
        if let dStream { Vector.add(dStream, count: count, to: g) }
    }

    /// dx += the gradient of `normalize` at x.
    private func addBack(
        _ x: UnsafePointer<Float>,
        _ norm: NormLayer?,
        _ dy: UnsafePointer<Float>,
        into dx: UnsafeMutablePointer<Float>,
        _ step: LayerStep
    ) {
        if let norm {
            norm.backward(x, gradient: dy, rows: step.rows, into: dx, step.context)
        } else {
            Vector.add(dy, count: step.rows * hidden, to: dx)
        }
    }

    /// The gradient of y in x + scale × norm(y).
    private func residual(
        _ g: UnsafePointer<Float>,
        _ y: borrowing AlignedBuffer<Float>,
        _ norm: NormLayer?,
        _ backward: BackwardStep
    ) -> UnsafePointer<Float> {
        let count = backward.step.rows * hidden
        let scaled = backward.workspace.added.baseAddress
        scaled.update(from: g, count: count)
        if residualScale != 1 { Vector.scale(scaled, count: count, by: residualScale) }
        guard let norm else { return UnsafePointer(scaled) }
        let dy = backward.workspace.addedBeforeNorm.cleared(count)
        let step = backward.step
        norm.backward(y.baseAddress, gradient: scaled, rows: step.rows, into: dy, step.context)
        return UnsafePointer(dy)
    }
}
