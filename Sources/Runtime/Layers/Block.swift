/// One block: attention and MLP, each around the residual stream.
struct Block: Sendable {
    /// The second half of a block.
    enum MLP: Sendable {
        case dense(GatedMLP)
        case sparse(SparseMLP)
    }

    /// Before attention, and before the MLP.
    let attentionNorm: NormLayer, mlpNorm: NormLayer
    /// After each, where a family normalises there too.
    let attentionPostNorm: NormLayer?, mlpPostNorm: NormLayer?
    let attention: AttentionLayer
    let mlp: MLP
    /// Factor of what is added to the residual stream.
    let residualScale: Float

    private var hidden: Int { attentionNorm.columns }

    /// The residual stream x [rows, hidden] becomes this block's output.
    func forward(_ step: LayerStep) {
        let workspace = step.workspace
        let (x, middle) = (workspace.hidden.baseAddress, workspace.middle.baseAddress)
        attend(step)
        let (second, out) = (normalizeMiddle(step), workspace.mlpOut.baseAddress)
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
        let x = step.workspace.hidden.baseAddress
        let first = step.workspace.attentionIn.baseAddress
        attentionNorm.forward(x, rows: step.rows, into: first, step.context)
        return UnsafePointer(first)
    }

    private func normalizeMiddle(_ step: LayerStep) -> UnsafePointer<Float> {
        let middle = step.workspace.middle.baseAddress
        let second = step.workspace.mlpIn.baseAddress
        mlpNorm.forward(middle, rows: step.rows, into: second, step.context)
        return UnsafePointer(second)
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
        let (second, out) = (normalizeMiddle(step), workspace.mlpOut.baseAddress)
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
        let (workspace, rows) = (step.workspace, step.rows)
        let count = rows * hidden

        let dMLP = residual(g, workspace.mlpOut, mlpPostNorm, backward)
        let dSecond = grads.normed.cleared(count)
        let second = UnsafePointer(workspace.mlpIn.baseAddress)
        switch mlp {
        case .dense(let mlp): mlp.backward(dMLP, x: second, into: dSecond, backward)
        case .sparse(let mlp): mlp.backward(dMLP, x: second, into: dSecond, backward)
        }
        let middle = UnsafePointer(workspace.middle.baseAddress)
        mlpNorm.backward(middle, gradient: dSecond, rows: rows, into: g, step.context)

        let dAttention = residual(g, workspace.attentionOut, attentionPostNorm, backward)
        let dFirst = grads.normed.cleared(count)
        attention.backward(
            dAttention,
            x: workspace.attentionIn.baseAddress,
            into: dFirst,
            backward
        )
        attentionNorm.backward(x, gradient: dFirst, rows: rows, into: g, step.context)
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
