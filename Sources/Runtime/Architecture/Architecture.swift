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
    /// The activation of the MLP.
    public var activation: GatedActivation
    /// The MLP multiplies the activation of its gate with up; without a gate it is that of up.
    public var gatesMLP: Bool
    /// Kind and constants of every norm.
    public var norm: NormConstants
    /// Where a block normalises.
    public var normPlacement: NormPlacement
    /// Whether and how q and k are normalised.
    public var headNorm: HeadNorm
    /// Which linear layers have a bias.
    public var biases: Biases
    /// The checkpoint stores q, k, v as one matrix.
    public var fusesQKV: Bool
    /// The rows of that matrix are q, k, v of the first key head, then of the next, and so on.
    public var interleavesQKV: Bool
    /// The checkpoint stores gate and up as one matrix.
    public var fusesGateUp: Bool
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
    /// Rotation turns neighbouring pairs (2i, 2i + 1), not (i, i + half).
    public var rotatesNeighbours: Bool
    /// The rotary embeddings that layers choose from.
    public var rotaries: [RotaryEmbedding]
    /// The blocks, first to last.
    public var layers: [LayerKind]
    /// Experts of the sparse layers.
    public var experts: MixtureOfExperts?
    /// What the checkpoint calls its modules.
    public var names: TensorNames
}

/// Kind, eps and offset of norms.
public struct NormConstants: Sendable, Hashable {
    /// Added to the mean square.
    public var eps: Float
    /// Added to every weight: 1 in Gemma.
    public var weightOffset: Float
    /// By mean and deviation, not by root mean square.
    public var isCentered = false
    /// A bias is added.
    public var hasBias = false
}

/// How q and k are normalised; weights are shared by all heads but with `whole`.
public enum HeadNorm: Sendable, Hashable {
    /// Not at all.
    case none
    /// Each head, before rotation.
    case beforeRotation
    /// Each head, after rotation.
    case afterRotation
    /// All heads of q, and of k, as one row, before rotation.
    case whole
}

/// Where a block normalises.
public enum NormPlacement: Sendable, Hashable {
    /// Before attention and before the MLP.
    case before
    /// After each of them alone: what they add to the stream.
    case after
    /// Before and after each of them.
    case beforeAndAfter
    /// Attention and MLP both read the block's input, each through its own norm.
    case parallel
    /// The same through one norm that they share.
    case parallelShared
}

/// Which linear layers have a bias.
public struct Biases: Sendable, Hashable {
    /// q, k and v.
    public var qkv = false
    /// o.
    public var output = false
    /// gate, up and down.
    public var mlp = false
    /// The output head.
    public var head = false
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
        "olmo2": { (c) throws(ArchitectureError) in try .olmo2(c) },
        "olmo3": { (c) throws(ArchitectureError) in try .olmo3(c) },
        "seed_oss": { (c) throws(ArchitectureError) in try .seedOSS(c) },
        "exaone4": { (c) throws(ArchitectureError) in try .exaone4(c) },
        "hunyuan_v1_dense": { (c) throws(ArchitectureError) in try .hunyuan(c) },
        "ernie4_5": { (c) throws(ArchitectureError) in try .ernie(c) },
        "granitemoehybrid": { (c) throws(ArchitectureError) in try .granite4(c) },
        "internlm3": { (c) throws(ArchitectureError) in try .internLM3(c) },
        "minicpm": { (c) throws(ArchitectureError) in try .miniCPM(c) },
        "glm": { (c) throws(ArchitectureError) in try .glm(c) },
        "glm4": { (c) throws(ArchitectureError) in try .glm4(c) },
        "cohere": { (c) throws(ArchitectureError) in try .cohere(c) },
        "cohere2": { (c) throws(ArchitectureError) in try .cohere2(c) },
        "stablelm": { (c) throws(ArchitectureError) in try .stableLM(c) },
        "starcoder2": { (c) throws(ArchitectureError) in try .starcoder2(c) },
        "nemotron": { (c) throws(ArchitectureError) in try .nemotron(c) },
        "phi": { (c) throws(ArchitectureError) in try .phi(c) },
        "gpt_neox": { (c) throws(ArchitectureError) in try .gptNeoX(c) },
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
