/// A mixture of experts: a router chooses a few gated MLPs per row.
///
/// Experts answer one after the other, each its rows in order, so that a row's sum has one fixed
/// order whatever else is in the batch.
struct SparseMLP: Sendable {
    let router: DenseMatrix
    let experts: [GatedMLP]
    let shape: MixtureOfExperts

    private var hidden: Int { router.columns }

    /// out [rows, hidden] from x [rows, hidden].
    func forward(
        _ x: UnsafePointer<Float>,
        into out: UnsafeMutablePointer<Float>,
        _ step: LayerStep
    ) {
        let workspace = step.workspace
        route(x, step)
        out.update(repeating: 0, count: step.rows * hidden)
        let answer = workspace.expertOut.baseAddress
        workspace.routes.forEachExpert { expert, range in
            var own = step
            own.rows = range.count
            own.segments = workspace.routes.segments(of: step.segments, in: range)
            experts[expert].forward(gather(x, range, workspace), into: answer, own)
            for (index, position) in range.enumerated() {
                let route = workspace.routes.routes[position]
                Vector.add(
                    answer + index * hidden,
                    times: route.weight,
                    count: hidden,
                    to: out + route.row * hidden
                )
            }
        }
    }

    /// The router always computes in fp32: a choice must not hang on a rounding of its inputs.
    private func route(_ x: UnsafePointer<Float>, _ step: LayerStep) {
        let workspace = step.workspace
        let exact = ComputeContext(pool: step.context.pool, dtype: .fp32)
        workspace.exactInput.load(x, rows: step.rows, columns: hidden, exact)
        let logits = workspace.router.baseAddress
        router.forward(workspace.exactInput, into: logits, stride: shape.count, exact)
        workspace.routes.choose(shape, rows: step.rows, probabilities: logits)
    }

    private func gather(
        _ x: UnsafePointer<Float>,
        _ range: Range<Int>,
        _ workspace: Workspace
    ) -> UnsafePointer<Float> {
        let rows = workspace.expertIn.baseAddress
        for (index, position) in range.enumerated() {
            let row = workspace.routes.routes[position].row
            (rows + index * hidden).update(from: x + row * hidden, count: hidden)
        }
        return UnsafePointer(rows)
    }
}

extension SparseMLP {
    /// dx += the gradient through the chosen experts and through their weights.
    ///
    /// Each expert is computed again, since the workspace keeps only the last one's inside.
    func backward(
        _ g: UnsafePointer<Float>,
        x: UnsafePointer<Float>,
        into dx: UnsafeMutablePointer<Float>,
        _ backward: BackwardStep
    ) {
        let (step, grads) = (backward.step, backward.workspace)
        let workspace = step.workspace
        route(x, step)
        let dWeights = grads.router.cleared(step.rows * shape.count)
        workspace.routes.forEachExpert { expert, range in
            var own = backward
            own.step.rows = range.count
            own.step.segments = workspace.routes.segments(of: step.segments, in: range)
            let rows = gather(x, range, workspace)
            let answer = workspace.expertOut.baseAddress
            experts[expert].forward(rows, into: answer, own.step)
            for (index, position) in range.enumerated() {
                let route = workspace.routes.routes[position]
                let (g, answer) = (g + route.row * hidden, answer + index * hidden)
                dWeights[route.row * shape.count + expert] = Float(
                    Vector.dot(g, answer, count: hidden)
                )
                answer.update(from: g, count: hidden)
                Vector.scale(answer, count: hidden, by: route.weight)
            }
            let dRows = grads.expert.cleared(range.count * hidden)
            experts[expert].backward(answer, x: rows, into: dRows, own)
            for (index, position) in range.enumerated() {
                let row = workspace.routes.routes[position].row
                Vector.add(dRows + index * hidden, count: hidden, to: dx + row * hidden)
            }
        }
        backwardRouter(dWeights, into: dx, step)
    }

    /// Through the weights' normalisation and the softmax to the router's input.
    private func backwardRouter(
        _ dWeights: UnsafeMutablePointer<Float>,
        into dx: UnsafeMutablePointer<Float>,
        _ step: LayerStep
    ) {
        let workspace = step.workspace
        let count = shape.count
        if shape.normalizesWeights {
            normalizeBack(dWeights, workspace)
        }
        for row in 0..<step.rows {
            let p = workspace.router.baseAddress + row * count
            let d = dWeights + row * count
            let mean = Float(Vector.dot(p, d, count: count))
            for expert in 0..<count { d[expert] = p[expert] * (d[expert] - mean) }
        }
        router.backward(
            dWeights,
            rows: step.rows,
            stride: count,
            into: dx,
            dxStride: hidden,
            step.context
        )
    }

    /// With w = p / Σ chosen p: dp = (dw - Σ w dw) / Σ chosen p, for the chosen.
    private func normalizeBack(_ d: UnsafeMutablePointer<Float>, _ workspace: Workspace) {
        let count = shape.count
        let rows = (workspace.routes.routes.map(\.row).max() ?? -1) + 1
        var means = [Float](repeating: 0, count: rows)
        for route in workspace.routes.routes {
            means[route.row] += route.weight * d[route.row * count + route.expert]
        }
        for route in workspace.routes.routes {
            let at = route.row * count + route.expert
            let sum = workspace.router[at] / route.weight
            d[at] = (d[at] - means[route.row]) / sum
        }
    }
}
