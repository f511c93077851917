extension Architecture {
    /// The common ground of all families: pre-norm blocks, rotary positions, a gated MLP.
    static func plain(
        _ c: Configuration,
        headDim: Int? = nil,
        rotaries: [RotaryEmbedding]? = nil,
        defaultTheta: Double = 10_000,
        defaultPartial: Double = 1
    ) throws(ArchitectureError) -> Architecture {
        let hidden = try c.int("hidden_size")
        let heads = try c.int("num_attention_heads")
        guard heads > 0, hidden > 0 else {
            throw .invalidField("num_attention_heads", reason: "is \(heads)")
        }
        let given = try c.int("head_dim", default: hidden / heads)
        let width = headDim ?? given
        let count = try c.int("num_hidden_layers")
        guard count <= 1024 else { throw .invalidField("num_hidden_layers", reason: "is \(count)") }
        var own: [RotaryEmbedding] = rotaries ?? []
        if own.isEmpty {
            own = [
                try c.rotary(
                    headDim: width,
                    defaultTheta: defaultTheta,
                    defaultPartial: defaultPartial
                )
            ]
        }
        return Architecture(
            family: try c.string("model_type"),
            hiddenSize: hidden,
            vocabularySize: try c.int("vocab_size"),
            contextLength: try c.contextLength(rotaries == nil ? own[0] : nil),
            heads: heads,
            kvHeads: try c.int("num_key_value_heads", default: heads),
            headDim: width,
            intermediateSize: try c.int("intermediate_size"),
            activation: try c.activation(),
            gatesMLP: true,
            norm: NormConstants(
                eps: try c.float("rms_norm_eps", default: 1e-6),
                weightOffset: 0
            ),
            normPlacement: .before,
            headNorm: .none,
            biases: Biases(),
            fusesQKV: false,
            interleavesQKV: false,
            fusesGateUp: false,
            attentionScale: 1 / Float(width).squareRoot(),
            attentionSoftCap: nil,
            logitSoftCap: nil,
            embeddingScale: 1,
            residualScale: 1,
            logitDivisor: 1,
            tiesEmbeddings: try c.bool("tie_word_embeddings", default: false),
            rotatesNeighbours: false,
            rotaries: own,
            layers: Array(repeating: LayerKind(window: nil, rotary: 0), count: count),
            experts: nil,
            names: TensorNames()
        )
    }

    /// Llama 2 and 3, SmolLM 2, Yi, and the DeepSeek-R1 distills made of Llama.
    static func llama(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        var result = try plain(c)
        let attention = try c.bool("attention_bias", default: false)
        result.biases = Biases(
            qkv: attention,
            output: attention,
            mlp: try c.bool("mlp_bias", default: false)
        )
        return result
    }

    /// Mistral: Llama with a window in every layer.
    static func mistral(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        var result = try plain(c)
        if let window = try c.optionalInt("sliding_window") {
            for index in result.layers.indices { result.layers[index].window = window }
        }
        return result
    }

    /// Granite 3: Llama with four multipliers.
    static func granite(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        var result = try llama(c)
        result.attentionScale = try c.float("attention_multiplier", default: 1)
        result.embeddingScale = try c.float("embedding_multiplier", default: 1)
        result.residualScale = try c.float("residual_multiplier", default: 1)
        result.logitDivisor = try c.float("logits_scaling", default: 1)
        guard result.logitDivisor != 0 else {
            throw .invalidField("logits_scaling", reason: "is 0")
        }
        return result
    }

    /// SmolLM 3: every fourth layer has no rotary positions.
    static func smollm3(_ c: Configuration) throws(ArchitectureError) -> Architecture {
        var result = try plain(c, defaultTheta: 2_000_000)
        let attention = try c.bool("attention_bias", default: false)
        result.biases = Biases(
            qkv: attention,
            output: attention,
            mlp: try c.bool("mlp_bias", default: false)
        )
        result.tiesEmbeddings = try c.bool("tie_word_embeddings", default: true)
        let interval = max(try c.int("no_rope_layer_interval", default: 4), 1)
        let rotary =
            try c.doubles("no_rope_layers")
            ?? result.layers.indices.map { ($0 + 1) % interval == 0 ? 0 : 1 }
        guard rotary.count == result.layers.count else {
            throw .invalidField("no_rope_layers", reason: "does not name every layer")
        }
        let window =
            try c.bool("use_sliding_window", default: false)
            ? try c.optionalInt("sliding_window") : nil
        let types = try c.layerTypes(count: result.layers.count) {
            window != nil && rotary[$0] == 0 ? .sliding : .full
        }
        for index in result.layers.indices {
            result.layers[index].rotary = rotary[index] == 0 ? nil : 0
            result.layers[index].window = types[index] == .sliding ? window : nil
        }
        return result
    }
}
