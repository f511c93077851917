extension Transformer {
    /// ‖W‖ per output of one linear layer: where DoRA's magnitudes begin.
    ///
    /// Computed once per layer; call it on the thread that owns the model's threads.
    public func rowNorms(of module: LinearModule, _ context: ComputeContext) -> [Float] {
        guard let layer = module.layer, blocks.indices.contains(layer) else { return [] }
        let linear = blocks[layer].linears.first { $0.module.slot == module.slot }
        return linear?.rowNorms(context) ?? []
    }
}

extension Block {
    /// Its linear layers.
    fileprivate var linears: [Linear] {
        let mlps: [GatedMLP] =
            switch mlp {
            case .dense(let mlp): [mlp]
            case .sparse(let mlp): mlp.experts
            }
        return attention.inputs.parts.map(\.linear) + [attention.output]
            + mlps.flatMap { $0.inputs.parts.map(\.linear) + [$0.down] }
    }
}
