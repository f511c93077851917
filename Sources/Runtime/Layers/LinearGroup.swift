/// Linear layers that read the same input: q, k and v, or gate and up.
struct LinearGroup: Sendable {
    /// A linear layer and its first column in a wider row.
    struct Part: Sendable {
        let linear: Linear
        let column: Int
    }

    let parts: [Part]

    /// Every layer's columns of y, rows `stride` apart; `input` is loaded with x.
    ///
    /// Where they can, the layers share one run of the thread pool.
    func forward(
        _ x: UnsafePointer<Float>,
        _ input: LinearInput,
        into y: UnsafeMutablePointer<Float>,
        stride: Int,
        _ step: LayerStep
    ) {
        guard parts.allSatisfy({ $0.linear.joinsRuns(step) }) else {
            for part in parts {
                part.linear.forward(x, input, into: y + part.column, stride: stride, step)
            }
            return
        }
        let workspace = step.workspace
        workspace.beginRun()
        for part in parts { part.linear.join(into: y + part.column, stride: stride, step) }
        workspace.run(input, step.context)
        for part in parts { part.linear.addBiases(to: y + part.column, stride: stride, step) }
    }
}

extension Linear {
    /// Whether the layer and its adapters can be a part of one run of the thread pool.
    ///
    /// Training lets others compute between two matrices, and its dropout gives every layer another
    /// input; DoRA needs W x by itself.
    func joinsRuns(_ step: LayerStep) -> Bool {
        guard step.context.dtype == .int8, step.pause == nil, step.dropout == nil else {
            return false
        }
        if case .dense(let matrix) = weight, matrix.tiled == nil { return false }
        return step.segments.allSatisfy { segment in
            segment.mix.entries.allSatisfy {
                !$0.adapter.hasDoRA || $0.adapter.pair(module.slot)?.dora == nil
            }
        }
    }

    /// Adds the base's product and the adapters' to the workspace's run.
    func join(into y: UnsafeMutablePointer<Float>, stride: Int, _ step: LayerStep) {
        let workspace = step.workspace
        let before = workspace.tasks.count
        for segment in step.segments {
            for entry in segment.mix.entries {
                guard let pair = entry.adapter.pair(module.slot) else { continue }
                workspace.tasks.append(pair, rows: segment.rows, scale: entry.scale)
            }
        }
        let tasks = workspace.tasks.count - before
        switch weight {
        case .tiled(let matrix):
            workspace.linearRun.append(matrix.tiled, into: y, stride: stride, tasks: tasks)
        case .dense(let matrix):
            guard let tiled = matrix.tiled else { preconditionFailure("a matrix of 8-bit blocks") }
            workspace.linearRun.append(tiled, into: y, stride: stride, tasks: tasks)
        }
    }
}
