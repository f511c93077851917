/// A linear layer y = x Wᵀ + b: the only layer that knows LoRA.
///
/// Rows of a segment get, for every adapter of their mix, scale × B A x on top. The base's product
/// comes first, then the adapters in the mix's order, then the bias: one fixed order per row.
struct Linear: Sendable {
    let weight: LinearWeight
    /// One number per output.
    let bias: FloatVector?
    let module: LinearModule
    /// ‖W‖² per output, made when the first DoRA adapter asks.
    let squaredNorms = RowNorms()

    var inputs: Int { module.inputs }
    var outputs: Int { module.outputs }

    /// y [rows, outputs], rows `stride` apart; `input` is loaded with x [rows, inputs].
    func forward(
        _ x: UnsafePointer<Float>,
        _ input: LinearInput,
        into y: UnsafeMutablePointer<Float>,
        stride: Int,
        _ step: LayerStep
    ) {
        if joinsRuns(step) {
            step.workspace.beginRun()
            join(into: y, stride: stride, step)
            step.workspace.run(input, step.context)
        } else {
            multiplyInPieces(input, into: y, stride: stride, step)
            if !step.segments.isEmpty {
                addAdapters(x, to: y, stride: stride, step)
                step.pause?.run()
            }
        }
        addBiases(to: y, stride: stride, step)
    }

    /// Biases, after the products: those that come with adapters, then the layer's.
    func addBiases(to y: UnsafeMutablePointer<Float>, stride: Int, _ step: LayerStep) {
        if !step.segments.isEmpty { addAdapterBiases(to: y, stride: stride, step) }
        if let bias {
            Vector.add(
                bias: bias.pointer,
                rows: step.rows,
                columns: outputs,
                to: y,
                stride: stride
            )
        }
    }

    /// y [rows, outputs] = the loaded input times Wᵀ, nothing else.
    func multiply(
        _ input: LinearInput,
        into y: UnsafeMutablePointer<Float>,
        stride: Int,
        _ context: ComputeContext
    ) {
        multiply(input, outputs: 0..<outputs, into: y, stride: stride, context)
    }

    /// y [rows, outputs] = the loaded input times Wᵀ, with a pause after each piece of the outputs.
    ///
    /// Every output is a sum of its own, so that pieces do not change the bits.
    private func multiplyInPieces(
        _ input: LinearInput,
        into y: UnsafeMutablePointer<Float>,
        stride: Int,
        _ step: LayerStep
    ) {
        guard let pause = step.pause else {
            return multiply(input, into: y, stride: stride, step.context)
        }
        let piece = pause.outputs(rows: step.rows, inputs: inputs)
        for first in Swift.stride(from: 0, to: outputs, by: piece) {
            let range = first..<min(first + piece, outputs)
            multiply(input, outputs: range, into: y + first, stride: stride, step.context)
            pause.run()
        }
    }

    /// Columns `outputs` of the product; y points at the first of them.
    private func multiply(
        _ input: LinearInput,
        outputs: Range<Int>,
        into y: UnsafeMutablePointer<Float>,
        stride: Int,
        _ context: ComputeContext
    ) {
        switch weight {
        case .tiled(let matrix):
            matrix.forward(input, outputs: outputs, into: y, stride: stride, context)
        case .dense(let matrix):
            matrix.forward(input, outputs: outputs, into: y, stride: stride, context)
        }
    }

    private func addAdapters(
        _ x: UnsafePointer<Float>,
        to y: UnsafeMutablePointer<Float>,
        stride: Int,
        _ step: LayerStep
    ) {
        let workspace = step.workspace
        let branch = branchInput(x, step)
        workspace.tasks.removeAll()
        for segment in step.segments {
            let pairs = segment.mix.entries.lazy.compactMap { $0.adapter.pair(module.slot) }
            guard !pairs.contains(where: { $0.dora != nil }) else {
                addSeparately(segment, x, branch, to: y, stride: stride, step)
                continue
            }
            for entry in segment.mix.entries {
                guard let pair = entry.adapter.pair(module.slot) else { continue }
                workspace.tasks.append(pair, rows: segment.rows, scale: entry.scale)
            }
        }
        if !workspace.tasks.isEmpty {
            let t = workspace.lowRank(workspace.tasks.lowRankCount)
            workspace.tasks.withTasks { tasks in
                LoRAKernels.shrink(
                    branch,
                    stride: inputs,
                    columns: inputs,
                    tasks: tasks,
                    into: t,
                    step.context
                )
                LoRAKernels.expand(
                    t,
                    tasks: tasks,
                    into: y,
                    stride: stride,
                    columns: outputs,
                    step.context
                )
            }
        }
    }

    /// x after dropout; x itself when there is none.
    func branchInput(_ x: UnsafePointer<Float>, _ step: LayerStep) -> UnsafePointer<Float> {
        guard let dropout = step.dropout, dropout.probability > 0 else { return x }
        let dropped = step.workspace.dropped(step.rows * inputs)
        dropout.apply(x, count: step.rows * inputs, slot: module.slot, into: dropped)
        return UnsafePointer(dropped)
    }

    /// Biases that come with adapters: B's own is scaled, the layer's is replaced.
    private func addAdapterBiases(
        to y: UnsafeMutablePointer<Float>,
        stride: Int,
        _ step: LayerStep
    ) {
        for segment in step.segments {
            for entry in segment.mix.entries {
                guard entry.adapter.hasBiases, let pair = entry.adapter.pair(module.slot) else {
                    continue
                }
                for row in segment.rows {
                    let y = y + row * stride
                    if let loraBias = pair.loraBias {
                        let scale = pair.scale * entry.scale
                        Vector.add(loraBias, times: scale, count: outputs, to: y)
                    }
                    guard let replacement = pair.bias else { continue }
                    Vector.add(replacement, count: outputs, to: y)
                    if let bias { Vector.add(bias.pointer, times: -1, count: outputs, to: y) }
                }
            }
        }
    }
}
