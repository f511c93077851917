/// A decoder-only transformer as a value: everything that distinguishes one family from another.
///
/// Made from `config.json` by one small function per family; layers read it, families have no layer
/// code of their own.
public struct Architecture: Sendable, Hashable {
    /// `model_type` of the configuration.
    public var family: String
    /// Width of the residual stream.
    public var hiddenSize: Int
    /// Rows of the embedding and of the logits.
    public var vocabularySize: Int
    /// Positions a sequence may have.
    public var contextLength: Int
    /// Query heads, key and value heads, and the width of one head.
    public var heads: Int, kvHeads: Int, headDim: Int
    /// Width inside the dense MLP.
    public var intermediateSize: Int
    /// The gate's activation.
    public var activation: GatedActivation
    /// Constants of every root mean square norm.
    public var norm: NormConstants
    /// Where a block normalises.
    public var normPlacement: NormPlacement
    /// Each head of q and k is normalised before rotation.
    public var normalizesHeads: Bool
    /// Which linear layers have a bias.
    public var biases: Biases
    /// The checkpoint stores q, k, v as one matrix, and gate and up as one.
    public var fusesProjections: Bool
    /// Factor of q · k.
    public var attentionScale: Float
    /// Bound of the attention scores: cap × tanh(score / cap).
    public var attentionSoftCap: Float?
    /// Bound of the logits.
    public var logitSoftCap: Float?
    /// Factor of embeddings.
    public var embeddingScale: Float
    /// Factor of what a block adds to the residual stream.
    public var residualScale: Float
    /// Logits are divided by this.
    public var logitDivisor: Float
    /// The head is the embedding.
    public var tiesEmbeddings: Bool
    /// The rotary embeddings that layers choose from.
    public var rotaries: [RotaryEmbedding]
    /// The blocks, first to last.
    public var layers: [LayerKind]
    /// Experts of the sparse layers.
    public var experts: MixtureOfExperts?
}

/// eps and offset of root mean square norms.
public struct NormConstants: Sendable, Hashable {
    /// Added to the mean square.
    public var eps: Float
    /// Added to every weight: 1 in Gemma.
    public var weightOffset: Float
}

/// Where a block normalises.
public enum NormPlacement: Sendable, Hashable {
    /// Before attention and before the MLP.
    case before
    /// Before and after each of them.
    case beforeAndAfter
}

/// Which linear layers have a bias.
public struct Biases: Sendable, Hashable {
    /// q, k and v.
    public var qkv = false
    /// o.
    public var output = false
    /// gate, up and down.
    public var mlp = false
}

/// What differs between the blocks of one model.
public struct LayerKind: Sendable, Hashable {
    /// A position sees itself and `window - 1` before it; nil sees everything.
    public var window: Int?
    /// Index into `Architecture.rotaries`; nil: no rotary positions.
    public var rotary: Int?
    /// The MLP is a mixture of experts.
    public var isSparse = false
}

/// A mixture of experts.
public struct MixtureOfExperts: Sendable, Hashable {
    /// How a checkpoint names expert matrices.
    public enum Naming: Sendable, Hashable {
        /// `block_sparse_moe.experts.N.w1 / w3 / w2` and `block_sparse_moe.gate`.
        case mixtral
        /// `mlp.experts.N.gate_proj / up_proj / down_proj` and `mlp.gate`.
        case qwen
    }

    /// Experts per layer.
    public var count: Int
    /// Experts that answer one token.
    public var perToken: Int
    /// Width inside one expert.
    public var intermediateSize: Int
    /// The chosen experts' weights are scaled to sum 1.
    public var normalizesWeights: Bool
    /// Names in the checkpoint.
    public var naming: Naming
}

extension Architecture {
    /// Families by `model_type`.
    static let families: [String: @Sendable (Configuration) throws(ArchitectureError) -> Self] = [
        "llama": { (c) throws(ArchitectureError) in try .llama(c) },
        "mistral": { (c) throws(ArchitectureError) in try .mistral(c) },
        "qwen2": { (c) throws(ArchitectureError) in try .qwen2(c) },
        "qwen3": { (c) throws(ArchitectureError) in try .qwen3(c) },
        "phi3": { (c) throws(ArchitectureError) in try .phi3(c) },
        "gemma2": { (c) throws(ArchitectureError) in try .gemma2(c) },
        "gemma3_text": { (c) throws(ArchitectureError) in try .gemma3(c) },
        "smollm3": { (c) throws(ArchitectureError) in try .smollm3(c) },
        "granite": { (c) throws(ArchitectureError) in try .granite(c) },
        "mixtral": { (c) throws(ArchitectureError) in try .mixtral(c) },
        "qwen3_moe": { (c) throws(ArchitectureError) in try .qwen3MoE(c) },
    ]

    /// The `model_type` values that load.
    public static var supportedFamilies: [String] { families.keys.sorted() }

    /// Reads `config.json`, as transformers 4 or 5 write it.
    public init(configuration: JSONValue) throws(ArchitectureError) {
        let configuration = Configuration(configuration)
        let family = try configuration.string("model_type")
        guard let make = Self.families[family] else { throw .unknownFamily(family) }
        try configuration.refuseUnsupported()
        self = try make(configuration)
        try check()
    }

    /// Width of q and of k (or v) over all heads.
    public var queryWidth: Int { heads * headDim }
    /// Width of k, and of v.
    public var keyWidth: Int { kvHeads * headDim }

    /// Bounds that keep every later product of sizes far from overflow.
    private func check() throws(ArchitectureError) {
        let bounds: [(String, Int, Int)] = [
            ("num_hidden_layers", layers.count, 1024),
            ("hidden_size", hiddenSize, 1 << 17),
            ("vocab_size", vocabularySize, 1 << 22),
            ("max_position_embeddings", contextLength, 1 << 27),
            ("num_attention_heads", heads, 1024),
            ("num_key_value_heads", kvHeads, 1024),
            ("head_dim", headDim, 1024),
            ("intermediate_size", intermediateSize, 1 << 20),
        ]
        for (field, value, bound) in bounds where value < 1 || value > bound {
            throw .invalidField(field, reason: "is \(value), outside 1 ... \(bound)")
        }
        guard Attention.supports(heads: heads, kvHeads: kvHeads, headDim: headDim) else {
            throw .invalidField(
                "num_attention_heads",
                reason: "with \(kvHeads) key heads of \(headDim) cannot be computed"
            )
        }
        guard heads % kvHeads == 0 else {
            throw .invalidField("num_key_value_heads", reason: "does not divide \(heads) heads")
        }
        if let experts {
            guard (1...4096).contains(experts.count),
                (1...experts.count).contains(experts.perToken),
                (1...(1 << 20)).contains(experts.intermediateSize)
            else { throw .invalidField("num_experts", reason: "and its companions make no sense") }
        }
        for layer in layers {
            if let window = layer.window, window < 1 {
                throw .invalidField("sliding_window", reason: "is \(window)")
            }
        }
        for rotary in rotaries where rotary.dimensions < 2 || rotary.dimensions > headDim {
            throw .invalidField("head_dim", reason: "has \(rotary.dimensions) rotary dimensions")
        }
        for rotary in rotaries {
            for length in [1, contextLength] {
                let frequencies = rotary.inverseFrequencies(
                    regime: rotary.regime(maxLength: length)
                )
                guard rotary.attentionFactor.isFinite, frequencies.allSatisfy(\.isFinite) else {
                    throw .invalidField("rope_parameters", reason: "give no finite frequencies")
                }
            }
        }
    }
}
