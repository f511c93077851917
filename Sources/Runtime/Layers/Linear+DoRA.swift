import Synchronization

/// ‖W‖² per output of one layer, computed once.
final class RowNorms: Sendable {
    private let values = Mutex<[Float]?>(nil)

    func get(_ make: () -> [Float]) -> [Float] {
        values.withLock { values in
            if let values { return values }
            let made = make()
            values = made
            return made
        }
    }
}

extension Linear {
    /// Adapters one by one, each relative to the base: what a mix with DoRA needs.
    ///
    /// A plain pair adds s B A x; DoRA adds (f - 1) W x + f s B A x with f = m / ‖W + s B A‖.
    /// In training x is `branch` there, which dropout has been over, in both terms (PEFT,
    /// `tuners/lora/dora.py`).
    func addSeparately(
        _ segment: LoRASegment,
        _ x: UnsafePointer<Float>,
        _ branch: UnsafePointer<Float>,
        to y: UnsafeMutablePointer<Float>,
        stride: Int,
        _ step: LayerStep
    ) {
        let count = segment.rows.count * outputs
        let base = step.workspace.doraBase(2 * count)
        let own = base + count
        if branch == x {
            copy(y, rows: segment.rows, stride: stride, to: base)
        } else {
            multiply(branch, rows: segment.rows, into: base, step)
            // The layers beside this one read the same input.
            step.workspace.input.load(x, rows: step.rows, columns: inputs, step.context)
        }
        for entry in segment.mix.entries {
            guard let pair = entry.adapter.pair(module.slot), pair.rank > 0 else { continue }
            own.update(from: base, count: count)
            expand(pair, entry, branch, rows: segment.rows, to: own, step)
            let factors = pair.dora.map { magnitudeFactors($0, pair, entry.scale, step).factors }
            for (index, row) in segment.rows.enumerated() {
                let offset = index * outputs
                add(own + offset, base + offset, factors, to: y + row * stride)
            }
        }
    }

    /// out [rows, outputs] = x Wᵀ for some rows of x.
    private func multiply(
        _ x: UnsafePointer<Float>,
        rows: Range<Int>,
        into out: UnsafeMutablePointer<Float>,
        _ step: LayerStep
    ) {
        let input = step.workspace.input
        input.load(
            x + rows.lowerBound * inputs,
            rows: rows.count,
            columns: inputs,
            step.context
        )
        multiply(input, into: out, stride: outputs, step.context)
    }

    private func copy(
        _ y: UnsafeMutablePointer<Float>,
        rows: Range<Int>,
        stride: Int,
        to out: UnsafeMutablePointer<Float>
    ) {
        for (index, row) in rows.enumerated() {
            (out + index * outputs).update(from: y + row * stride, count: outputs)
        }
    }

    /// y += factors × own - base.
    private func add(
        _ own: UnsafeMutablePointer<Float>,
        _ base: UnsafeMutablePointer<Float>,
        _ factors: [Float]?,
        to y: UnsafeMutablePointer<Float>
    ) {
        for column in 0..<outputs {
            y[column] += (factors?[column] ?? 1) * own[column] - base[column]
        }
    }

    /// own [rows, outputs] += s B A x.
    private func expand(
        _ pair: LoRAPair,
        _ entry: AdapterMix.Entry,
        _ x: UnsafePointer<Float>,
        rows: Range<Int>,
        to own: UnsafeMutablePointer<Float>,
        _ step: LayerStep
    ) {
        let t = step.workspace.lowRank(rows.count * pair.rank)
        let task = pair.task(rows: 0..<rows.count, offset: 0, scale: entry.scale)
        withUnsafePointer(to: task) { task in
            let tasks = UnsafeBufferPointer(start: task, count: 1)
            LoRAKernels.shrink(
                x + rows.lowerBound * inputs,
                stride: inputs,
                columns: inputs,
                tasks: tasks,
                into: t,
                step.context
            )
            LoRAKernels.expand(
                t,
                tasks: tasks,
                into: own,
                stride: outputs,
                columns: outputs,
                step.context
            )
        }
    }

    /// m / ‖W + s B A‖ per output, and 1 / ‖W + s B A‖.
    ///
    /// Both are 0 where the direction is zero, and so what it gives: bases have such rows.
    func magnitudeFactors(
        _ dora: DoRA,
        _ pair: LoRAPair,
        _ scale: Float,
        _ step: LayerStep
    ) -> (factors: [Float], inverseNorms: [Float]) {
        let products = doraProducts(dora, pair, step.context)
        let norms = (0..<outputs).map { products.norm($0, scale: pair.scale * scale) }
        return (
            norms.enumerated().map { $1 > 0 ? dora.magnitude.values[$0] / $1 : 0 },
            norms.map { $0 > 0 ? 1 / $0 : 0 }
        )
    }

    private func doraProducts(
        _ dora: DoRA,
        _ pair: LoRAPair,
        _ context: ComputeContext
    ) -> DoRAProducts {
        dora.products.withLock { cached in
            if let cached { return cached }
            let made = makeProducts(pair, context)
            if !dora.isTrainable { cached = made }
            return made
        }
    }

    /// With P = A Wᵀ [rank, outputs] and A Aᵀ: ⟨W, B A⟩ = Σ B P and ‖B A‖² = B A Aᵀ Bᵀ.
    private func makeProducts(_ pair: LoRAPair, _ context: ComputeContext) -> DoRAProducts {
        let exact = ComputeContext(pool: context.pool, dtype: .fp32)
        let rank = pair.rank
        let a = FloatVector(
            UnsafeRawBufferPointer(start: pair.a, count: rank * inputs * pair.format.width),
            format: pair.format,
            count: rank * inputs
        )
        let b = FloatVector(
            UnsafeRawBufferPointer(
                start: pair.bTransposed,
                count: rank * outputs * pair.format.width
            ),
            format: pair.format,
            count: rank * outputs
        )
        let product = AlignedBuffer<Float>(count: rank * outputs)
        let input = LinearInput(maxRows: rank, maxColumns: inputs, dtype: .fp32)
        input.load(a.pointer, rows: rank, columns: inputs, exact)
        multiply(input, into: product.baseAddress, stride: outputs, exact)
        var result = DoRAProducts(
            weight: squaredNorms.get { squaredRowNorms(context) },
            cross: [Float](repeating: 0, count: outputs),
            delta: [Float](repeating: 0, count: outputs)
        )
        // ⟨W, B A⟩ = Σ B P, and with M = (A Aᵀ) B also ‖B A‖² = Σ B M.
        let gram = AlignedBuffer<Float>(count: rank * rank)
        let mixed = AlignedBuffer<Float>(count: rank * outputs)
        DenseAlgebra.gram(a.pointer, rows: rank, columns: inputs, into: gram.baseAddress)
        DenseAlgebra.multiply(
            gram.baseAddress,
            b.pointer,
            rows: rank,
            columns: outputs,
            into: mixed.baseAddress,
            context.pool
        )
        for i in 0..<rank {
            let bi = b.pointer + i * outputs
            let pi = UnsafePointer(product.baseAddress) + i * outputs
            let mi = UnsafePointer(mixed.baseAddress) + i * outputs
            for column in 0..<outputs {
                result.cross[column] += bi[column] * pi[column]
                result.delta[column] += bi[column] * mi[column]
            }
        }
        return result
    }

    /// ‖W‖ per output.
    func rowNorms(_ context: ComputeContext) -> [Float] {
        squaredNorms.get { squaredRowNorms(context) }.map { $0.squareRoot() }
    }

    private func squaredRowNorms(_ context: ComputeContext) -> [Float] {
        let row = AlignedBuffer<Float>(count: weightCount)
        switch weight {
        case .tiled(let matrix): matrix.dequantize(into: row.baseAddress, pool: context.pool)
        case .dense(let matrix):
            for index in 0..<outputs {
                matrix.gather(row: index, into: row.baseAddress + index * inputs)
            }
        }
        return (0..<outputs).map {
            Float(Vector.sumOfSquares(row.baseAddress + $0 * inputs, count: inputs))
        }
    }

    private var weightCount: Int { inputs * outputs }

    /// g for the base and the pairs: what arrives at W x + s B A x.
    ///
    /// Without DoRA that is g itself. With it, g times the magnitude factors, and the magnitudes of
    /// an adapter in training get their gradient, with the norm held constant as PEFT does.
    func scaledByMagnitudes(
        _ g: UnsafePointer<Float>,
        stride: Int,
        x: UnsafePointer<Float>,
        _ backward: BackwardStep
    ) -> (g: UnsafePointer<Float>, stride: Int, isScaled: Bool) {
        let step = backward.step
        let adapted = step.segments.contains { segment in
            segment.mix.entries.contains { $0.adapter.pair(module.slot)?.dora != nil }
        }
        guard adapted else { return (g, stride, false) }
        let scaled = backward.workspace.scaled(step.rows * outputs)
        for row in 0..<step.rows {
            (scaled + row * outputs).update(from: g + row * stride, count: outputs)
        }
        for segment in step.segments {
            precondition(
                segment.mix.entries.count == 1,
                "gradients through DoRA are defined for one adapter at a time"
            )
            for entry in segment.mix.entries {
                guard let pair = entry.adapter.pair(module.slot), let dora = pair.dora else {
                    continue
                }
                let (factors, inverseNorms) = magnitudeFactors(dora, pair, entry.scale, step)
                addMagnitudeGradients(
                    entry,
                    pair,
                    inverseNorms,
                    rows: segment.rows,
                    g: scaled,
                    x: x,
                    backward
                )
                for row in segment.rows {
                    let g = scaled + row * outputs
                    for column in 0..<outputs { g[column] *= factors[column] }
                }
            }
        }
        return (UnsafePointer(scaled), outputs, true)
    }

    /// `scaled` - g, row by row: what arrives at the term (f - 1) W x.
    func magnitudeExcess(
        of scaled: UnsafePointer<Float>,
        over g: UnsafePointer<Float>,
        stride: Int,
        _ step: LayerStep
    ) -> UnsafePointer<Float> {
        let excess = step.workspace.doraBase(step.rows * outputs)
        for row in 0..<step.rows {
            let (target, scaled, g) = (
                excess + row * outputs, scaled + row * outputs, g + row * stride
            )
            for column in 0..<outputs { target[column] = scaled[column] - g[column] }
        }
        return UnsafePointer(excess)
    }

    /// dm = Σ rows of g × (W x + s B A x) / norm, the sum recomputed from x.
    private func addMagnitudeGradients(
        _ entry: AdapterMix.Entry,
        _ pair: LoRAPair,
        _ inverseNorms: [Float],
        rows: Range<Int>,
        g: UnsafeMutablePointer<Float>,
        x: UnsafePointer<Float>,
        _ backward: BackwardStep
    ) {
        guard let gradients = backward.gradients(of: entry.adapter),
            let place = gradients.entries[module.slot]?.magnitude
        else { return }
        let step = backward.step
        let sum = step.workspace.doraBase(rows.count * outputs)
        let x = branchInput(x, step)
        multiply(x, rows: rows, into: sum, step)
        expand(pair, entry, x, rows: rows, to: sum, step)
        let target = gradients.tensors.values.baseAddress + place.lowerBound
        for (index, row) in rows.enumerated() {
            let (g, sum) = (g + row * outputs, sum + index * outputs)
            for column in 0..<outputs {
                target[column] += g[column] * sum[column] * inverseNorms[column]
            }
        }
    }
}
