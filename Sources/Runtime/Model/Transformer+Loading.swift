extension Transformer {
    /// Builds a model from a source of weights, tensor by tensor.
    convenience init(
        _ architecture: Architecture,
        _ loader: any WeightSource
    ) throws(CheckpointError) {
        let a = architecture
        let headProducts: DenseMatrix.Products = loader.compute == .int8 ? .eightBit : .exact
        let embedding = try loader.dense(
            a.names.embedding + ".weight",
            rows: a.vocabularySize,
            columns: a.hiddenSize,
            products: a.tiesEmbeddings ? headProducts : .none
        )
        var blocks: [Block] = []
        for layer in a.layers.indices { blocks.append(try Block(a, layer, loader)) }
        let norm = try NormLayer(a.names.finalNorm, count: a.hiddenSize, a.norm, loader)
        let head =
            a.tiesEmbeddings
            ? embedding
            : try loader.dense(
                a.names.head + ".weight",
                rows: a.vocabularySize,
                columns: a.hiddenSize,
                products: headProducts
            )
        let headBias =
            a.biases.head ? try loader.vector(a.names.head + ".bias", count: a.vocabularySize) : nil
        try loader.finish { name in
            a.isBuffer(name) || name == a.names.head + ".weight"
        }
        self.init(
            architecture: a,
            compute: loader.compute,
            base: loader.base,
            embedding: embedding,
            blocks: blocks,
            finalNorm: norm,
            head: Linear(weight: .dense(head), bias: headBias, module: a.headModule),
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
        func norm(_ name: String, _ isThere: Bool) throws(CheckpointError) -> NormLayer? {
            guard isThere else { return nil }
            let path = a.names.path(layer, name)
            return try NormLayer(path, count: a.hiddenSize, a.norm, loader)
        }
        let (names, placement) = (a.names, a.normPlacement)
        let hasPostNorms = placement == .after || placement == .beforeAndAfter
        isParallel = placement == .parallel || placement == .parallelShared
        attentionNorm = try norm(names.attentionNorm, placement != .after)
        attention = try AttentionLayer(a, layer, loader)
        attentionPostNorm = try norm(names.attentionPostNorm, hasPostNorms)
        mlpNorm = try norm(names.mlpNorm, placement != .after && placement != .parallelShared)
        mlpPostNorm = try norm(names.mlpPostNorm, hasPostNorms)
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
        func headNorm(_ name: String, _ width: Int) throws(CheckpointError) -> NormLayer? {
            guard a.headNorm != .none else { return nil }
            let count = a.headNorm == .whole ? width : a.headDim
            return try NormLayer(a.names.path(layer, name), count: count, a.norm, loader)
        }
        self.inputs = LinearGroup(parts: inputs)
        self.output = output
        queryNorm = try headNorm(a.names.queryNorm, a.queryWidth)
        keyNorm = try headNorm(a.names.keyNorm, a.keyWidth)
        normalizesRotated = a.headNorm == .afterRotation
        interleavesInputs = a.fusesQKV && a.interleavesQKV
        rotatesNeighbours = a.rotatesNeighbours
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
                let column = module.projection == .up && a.gatesMLP ? module.outputs : 0
                inputs.append(LinearGroup.Part(linear: linear, column: column))
            }
        }
        guard let down else { preconditionFailure("an MLP has a down projection") }
        self.inputs = LinearGroup(parts: inputs)
        self.down = down
        activation = a.activation
        isGated = a.gatesMLP
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

extension NormLayer {
    fileprivate init(
        _ path: String,
        count: Int,
        _ constants: NormConstants,
        _ loader: any WeightSource
    ) throws(CheckpointError) {
        let weight = try loader.vector(path + ".weight", count: count)
        let bias = constants.hasBias ? try loader.vector(path + ".bias", count: count) : nil
        self.init(weight: weight, bias: bias, constants)
    }
}

extension Architecture {
    /// Tensors that some checkpoints carry and nobody needs: what transformers computes at the start.
    fileprivate func isBuffer(_ name: String) -> Bool {
        name.hasSuffix(".rotary_emb.inv_freq") || name.hasSuffix(".attention.bias")
            || name.hasSuffix(".attention.masked_bias")
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
