extension Linear {
    /// dx [rows, inputs] += g W + Σ scale × g B A; adds to the gradients of adapters in training.
    ///
    /// g [rows, outputs] has rows `stride` apart; x is what `forward` saw.
    func backward(
        _ g: UnsafePointer<Float>,
        stride: Int,
        x: UnsafePointer<Float>,
        into dx: UnsafeMutablePointer<Float>,
        _ backward: BackwardStep
    ) {
        let step = backward.step
        let base = scaledByMagnitudes(g, stride: stride, x: x, backward)
        let dropped = step.dropout.map { $0.probability > 0 } ?? false
        let splits = dropped && base.isScaled
        if splits {
            backwardBase(g, stride: stride, into: dx, step)
        } else {
            backwardBase(base.g, stride: base.stride, into: dx, step)
        }
        guard !step.segments.isEmpty else { return }
        let branch = branchInput(x, step)
        let target = dropped ? backward.workspace.branch(step.rows * inputs) : dx
        if splits {
            // With dropout, DoRA's (f - 1) W x reads the dropped x, and W x itself does not.
            let excess = magnitudeExcess(of: base.g, over: g, stride: stride, step)
            backwardBase(excess, stride: outputs, into: target, step)
        }
        for segment in step.segments {
            for entry in segment.mix.entries {
                guard let pair = entry.adapter.pair(module.slot), pair.rank > 0 else { continue }
                backwardPair(
                    pair,
                    entry,
                    rows: segment.rows,
                    g: base.g,
                    stride: base.stride,
                    x: branch,
                    into: target,
                    backward
                )
            }
        }
        if dropped, let dropout = step.dropout {
            let count = step.rows * inputs
            dropout.apply(target, count: count, slot: module.slot, into: target)
            Vector.add(target, count: count, to: dx)
        }
    }

    /// dx += g W, with a pause after each piece of rows and outputs.
    ///
    /// Every row is a chain of sums over blocks of 64 outputs, which goes on from what is in dx, so that
    /// pieces do not change the bits.
    private func backwardBase(
        _ g: UnsafePointer<Float>,
        stride: Int,
        into dx: UnsafeMutablePointer<Float>,
        _ step: LayerStep
    ) {
        guard let pause = step.pause else {
            return backwardBase(g, rows: 0..<step.rows, 0..<outputs, stride, into: dx, step.context)
        }
        for first in Swift.stride(from: 0, to: step.rows, by: Pause.rows) {
            let rows = first..<min(first + Pause.rows, step.rows)
            let piece = pause.transposedOutputs(rows: rows.count, inputs: inputs)
            for output in Swift.stride(from: 0, to: outputs, by: piece) {
                let range = output..<min(output + piece, outputs)
                backwardBase(g, rows: rows, range, stride, into: dx, step.context)
                pause.run()
            }
        }
    }

    /// Some rows of dx += those outputs of g times theirs of W.
    private func backwardBase(
        _ g: UnsafePointer<Float>,
        rows: Range<Int>,
        _ range: Range<Int>,
        _ stride: Int,
        into dx: UnsafeMutablePointer<Float>,
        _ context: ComputeContext
    ) {
        let g = g + rows.lowerBound * stride
        let dx = dx + rows.lowerBound * inputs
        switch weight {
        case .tiled(let matrix):
            matrix.backward(
                g,
                rows: rows.count,
                outputs: range,
                stride: stride,
                into: dx,
                dxStride: inputs,
                context
            )
        case .dense(let matrix):
            matrix.backward(
                g,
                rows: rows.count,
                outputs: range,
                stride: stride,
                into: dx,
                dxStride: inputs,
                context
            )
        }
    }

    /// One pair's rows: with u = g B, dA += s uᵀ x, dBᵀ += s (A x)ᵀ g, dx += s u A.
    private func backwardPair(
        _ pair: LoRAPair,
        _ entry: AdapterMix.Entry,
        rows: Range<Int>,
        g: UnsafePointer<Float>,
        stride: Int,
        x: UnsafePointer<Float>,
        into dx: UnsafeMutablePointer<Float>,
        _ backward: BackwardStep
    ) {
        let context = backward.step.context
        let t = backward.step.workspace.lowRank(2 * rows.count * pair.rank)
        let u = t + rows.count * pair.rank
        let down = pair.task(rows: rows, offset: 0, scale: entry.scale)
        let up = pair.transposedTask(rows: rows, offset: 0, scale: entry.scale)
        shrink(g, stride: stride, columns: outputs, up, into: u, context)
        withUnsafePointer(to: up) { task in
            LoRAKernels.expand(
                u,
                tasks: UnsafeBufferPointer(start: task, count: 1),
                into: dx,
                stride: inputs,
                columns: inputs,
                context
            )
        }
        guard let gradients = backward.gradients(of: entry.adapter),
            let place = gradients.entries[module.slot]
        else { return }
        shrink(x, stride: inputs, columns: inputs, down, into: t, context)
        let values = gradients.tensors.values.baseAddress
        let scale = pair.scale * entry.scale
        func add(
            _ p: UnsafePointer<Float>,
            _ z: UnsafePointer<Float>,
            _ zStride: Int,
            _ columns: Int,
            to range: Range<Int>
        ) {
            LoRAKernels.outerProduct(
                p,
                rows: rows.count,
                rank: pair.rank,
                with: z + rows.lowerBound * zStride,
                stride: zStride,
                columns: columns,
                scale: scale,
                into: values + range.lowerBound,
                context
            )
        }
        add(u, x, inputs, inputs, to: place.a)
        add(t, g, stride, outputs, to: place.bTransposed)
        backward.step.pause?.run()
    }

    private func shrink(
        _ x: UnsafePointer<Float>,
        stride: Int,
        columns: Int,
        _ task: LoRATask,
        into t: UnsafeMutablePointer<Float>,
        _ context: ComputeContext
    ) {
        withUnsafePointer(to: task) { task in
            LoRAKernels.shrink(
                x,
                stride: stride,
                columns: columns,
                tasks: UnsafeBufferPointer(start: task, count: 1),
                into: t,
                context
            )
        }
    }
}
