extension Transformer {
    /// Builds a model from a source of weights, tensor by tensor.
    convenience init(
        _ architecture: Architecture,
        _ loader: any WeightSource
    ) throws(CheckpointError) {
        let a = architecture
        let headProducts: DenseMatrix.Products = loader.compute == .int8 ? .eightBit : .exact
        let embedding = try loader.dense(
            "model.embed_tokens.weight",
            rows: a.vocabularySize,
            columns: a.hiddenSize,
            products: a.tiesEmbeddings ? headProducts : .none
        )
        var blocks: [Block] = []
        for layer in a.layers.indices { blocks.append(try Block(a, layer, loader)) }
        let norm = try loader.vector("model.norm.weight", count: a.hiddenSize)
        let head =
            a.tiesEmbeddings
            ? embedding
            : try loader.dense(
                "lm_head.weight",
                rows: a.vocabularySize,
                columns: a.hiddenSize,
                products: headProducts
            )
        try loader.finish { name in
            name.hasSuffix(".rotary_emb.inv_freq") || name == "lm_head.weight"
        }
        self.init(
            architecture: a,
            compute: loader.compute,
            base: loader.base,
            embedding: embedding,
            blocks: blocks,
            finalNorm: NormLayer(weight: norm, a.norm),
            head: Linear(weight: .dense(head), bias: nil, module: a.headModule),
            weights: loader.weights
        )
    }
}

extension Block {
    fileprivate init(
        _ a: Architecture,
        _ layer: Int,
        _ loader: any WeightSource
    ) throws(CheckpointError) {
        func norm(_ name: String) throws(CheckpointError) -> NormLayer {
            let path = "model.layers.\(layer).\(name).weight"
            return NormLayer(weight: try loader.vector(path, count: a.hiddenSize), a.norm)
        }
        attentionNorm = try norm("input_layernorm")
        attention = try AttentionLayer(a, layer, loader)
        switch a.normPlacement {
        case .before:
            attentionPostNorm = nil
            mlpNorm = try norm("post_attention_layernorm")
            mlpPostNorm = nil
        case .beforeAndAfter:
            attentionPostNorm = try norm("post_attention_layernorm")
            mlpNorm = try norm("pre_feedforward_layernorm")
            mlpPostNorm = try norm("post_feedforward_layernorm")
        }
        if a.layers[layer].isSparse, let experts = a.experts {
            mlp = .sparse(try SparseMLP(a, experts, layer, loader))
        } else {
            mlp = .dense(try GatedMLP(a, a.mlpModules(layer), hasBias: a.biases.mlp, loader))
        }
        residualScale = a.residualScale
    }
}

extension AttentionLayer {
    fileprivate init(
        _ a: Architecture,
        _ layer: Int,
        _ loader: any WeightSource
    ) throws(CheckpointError) {
        let columns: [Projection: Int] = [.k: a.queryWidth, .v: a.queryWidth + a.keyWidth]
        var inputs: [LinearGroup.Part] = []
        var output: Linear?
        for module in a.attentionModules(layer) {
            guard let projection = module.projection else { continue }
            let isOutput = projection == .o
            let linear = try Linear(
                module,
                hasBias: isOutput ? a.biases.output : a.biases.qkv,
                loader
            )
            if isOutput {
                output = linear
            } else {
                inputs.append(LinearGroup.Part(linear: linear, column: columns[projection] ?? 0))
            }
        }
        guard let output else { preconditionFailure("attention has an output projection") }
        func headNorm(_ name: String) throws(CheckpointError) -> NormLayer? {
            guard a.normalizesHeads else { return nil }
            let path = "model.layers.\(layer).self_attn.\(name).weight"
            return NormLayer(weight: try loader.vector(path, count: a.headDim), a.norm)
        }
        self.inputs = LinearGroup(parts: inputs)
        self.output = output
        queryNorm = try headNorm("q_norm")
        keyNorm = try headNorm("k_norm")
        kernel = Attention(
            heads: a.heads,
            kvHeads: a.kvHeads,
            headDim: a.headDim,
            scale: a.attentionScale,
            softCap: a.attentionSoftCap,
            window: a.layers[layer].window
        )
        rotary = a.layers[layer].rotary
        self.layer = layer
    }
}

extension GatedMLP {
    fileprivate init(
        _ a: Architecture,
        _ modules: [LinearModule],
        hasBias: Bool,
        _ loader: any WeightSource
    ) throws(CheckpointError) {
        var inputs: [LinearGroup.Part] = []
        var down: Linear?
        for module in modules {
            let linear = try Linear(module, hasBias: hasBias, loader)
            if module.projection == .down {
                down = linear
            } else {
                let column = module.projection == .up ? module.outputs : 0
                inputs.append(LinearGroup.Part(linear: linear, column: column))
            }
        }
        guard let down else { preconditionFailure("an MLP has a down projection") }
        self.inputs = LinearGroup(parts: inputs)
        self.down = down
        activation = a.activation
    }
}

extension SparseMLP {
    fileprivate init(
        _ a: Architecture,
        _ experts: MixtureOfExperts,
        _ layer: Int,
        _ loader: any WeightSource
    ) throws(CheckpointError) {
        let path = experts.naming == .mixtral ? "block_sparse_moe" : "mlp"
        shape = experts
        router = try loader.dense(
            "model.layers.\(layer).\(path).gate.weight",
            rows: experts.count,
            columns: a.hiddenSize,
            products: .exact
        )
        var list: [GatedMLP] = []
        for expert in 0..<experts.count {
            let modules = a.expertModules(layer, expert, experts)
            list.append(try GatedMLP(a, modules, hasBias: false, loader))
        }
        self.experts = list
    }
}

extension Linear {
    fileprivate init(
        _ module: LinearModule,
        hasBias: Bool,
        _ loader: any WeightSource
    ) throws(CheckpointError) {
        let weight = try loader.linear(
            module.name + ".weight",
            rows: module.outputs,
            columns: module.inputs
        )
        let bias =
            hasBias ? try loader.vector(module.name + ".bias", count: module.outputs) : nil
        self.init(weight: weight, bias: bias, module: module)
    }
}
