import Glibc

/// The metadata of a checkpoint in Hugging Face layout as llama.cpp's converter writes them.
struct GGUFMetadata {
    private let weights: MergedWeights
    private let family: GGUFFamily
    private let folder: String

    init(_ weights: MergedWeights, _ family: GGUFFamily) {
        self.weights = weights
        self.family = family
        folder = weights.checkpoint.path
    }

    func write(
        name: String,
        to writer: inout GGUFWriter<CheckpointError>
    ) throws(CheckpointError) {
        let a = weights.architecture
        let arch = family.architecture
        // Scaling extends what is written here.
        let written = weights.checkpoint.configuration["max_position_embeddings"]?.int
        writer.set("general.architecture", arch)
        writer.set("general.type", "model")
        writer.set("general.name", name)
        for (key, value) in [
            ("block_count", a.layers.count), ("context_length", written ?? a.contextLength),
            ("embedding_length", a.hiddenSize), ("feed_forward_length", a.intermediateSize),
            ("attention.head_count", a.heads), ("attention.head_count_kv", a.kvHeads),
            ("attention.key_length", a.headDim), ("attention.value_length", a.headDim),
            ("vocab_size", a.vocabularySize),
        ] {
            writer.set("\(arch).\(key)", UInt32(value))
        }
        writer.set("\(arch).attention.layer_norm_rms_epsilon", a.norm.eps)
        try writeRotary(to: &writer)
        try writeFamily(to: &writer)
        try GGUFTokenizerMetadata(folder: folder, vocabulary: a.vocabularySize).write(to: &writer)
    }

    private func writeRotary(
        to writer: inout GGUFWriter<CheckpointError>
    ) throws(CheckpointError) {
        let arch = family.architecture
        guard let rotary = weights.architecture.rotaries.first else { return }
        writer.set("\(arch).rope.freq_base", Float(rotary.theta))
        writer.set("\(arch).rope.dimension_count", UInt32(rotary.dimensions))
        switch rotary.scaling {
        case .none, .llama3: break
        case .linear(let factor):
            writer.set("\(arch).rope.scaling.type", "linear")
            writer.set("\(arch).rope.scaling.factor", Float(factor))
        case .yarn(let yarn):
            writer.set("\(arch).rope.scaling.type", "yarn")
            writer.set("\(arch).rope.scaling.factor", Float(yarn.factor))
            writer.set(
                "\(arch).rope.scaling.original_context_length",
                UInt32(rotary.originalLength)
            )
        case .longrope:
            writer.set("\(arch).rope.scaling.attn_factor", rotary.attentionFactor)
            writer.set(
                "\(arch).rope.scaling.original_context_length",
                UInt32(rotary.originalLength)
            )
        case .dynamic:
            throw .unsupported(tensor: folder, reason: "GGUF has no dynamic rotary scaling")
        }
    }

    private func writeFamily(
        to writer: inout GGUFWriter<CheckpointError>
    ) throws(CheckpointError) {
        let (a, arch) = (weights.architecture, family.architecture)
        let windows = Set(a.layers.compactMap(\.window))
        switch arch {
        case "gemma2", "gemma3", "phi3":
            if let window = windows.first {
                writer.set("\(arch).attention.sliding_window", UInt32(window))
            }
        default:
            guard windows.allSatisfy({ $0 >= a.contextLength }) else {
                throw .unsupported(
                    tensor: folder,
                    reason: "llama.cpp has no sliding window for \(arch) models"
                )
            }
        }
        if let cap = a.attentionSoftCap { writer.set("\(arch).attn_logit_softcapping", cap) }
        if let cap = a.logitSoftCap { writer.set("\(arch).final_logit_softcapping", cap) }
        guard arch == "granite" else { return }
        writer.set("granite.attention.scale", a.attentionScale)
        writer.set("granite.embedding_scale", a.embeddingScale)
        writer.set("granite.residual_scale", a.residualScale)
        writer.set("granite.logit_scale", a.logitDivisor)
    }
}
