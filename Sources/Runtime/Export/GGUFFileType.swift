/// What a GGUF file's matrices are stored as: one type, or one of llama.cpp's mixtures.
public enum GGUFFileType: String, Sendable, CaseIterable {
    case f16, bf16, q8_0, q4_0, q4_k_m, q5_k_m, q6_k

    /// `LLAMA_FTYPE_MOSTLY_…`, as `general.file_type` has it.
    var number: Int {
        switch self {
        case .f16: 1
        case .q4_0: 2
        case .q8_0: 7
        case .q4_k_m: 15
        case .q5_k_m: 17
        case .q6_k: 18
        case .bf16: 32
        }
    }

    /// The type of most matrices.
    private var plain: GGUFType {
        switch self {
        case .f16: .f16
        case .bf16: .bf16
        case .q8_0: .q8_0
        case .q4_0: .q4_0
        case .q4_k_m: .q4_K
        case .q5_k_m: .q5_K
        case .q6_k: .q6_K
        }
    }

    /// The type of a matrix, by llama.cpp's rules (`llama_tensor_get_type`): the head, and in some layers
    /// values and the down projection, are worth more bits.
    /// - Parameters:
    ///   - stem: Its name without `.weight`, such as `blk.3.attn_v`.
    ///   - columns: Its row's length; a row is whole blocks, or the type falls back to one of smaller blocks.
    func type(of stem: String, columns: Int, layers: Int, tiesEmbeddings: Bool) -> GGUFType {
        fitting(wanted(stem, layers: layers, tiesEmbeddings: tiesEmbeddings), columns)
    }

    private func wanted(_ stem: String, layers: Int, tiesEmbeddings: Bool) -> GGUFType {
        guard plain.blockElements > 1, self != .q8_0 else { return plain }
        if stem == "output" || (tiesEmbeddings && stem == "token_embd") { return .q6_K }
        guard self == .q4_k_m || self == .q5_k_m else { return plain }
        let parts = stem.split(separator: ".")
        guard parts.count == 3, let layer = Int(parts[1]) else { return plain }
        switch parts[2] {
        case "attn_v", "ffn_down":
            let eighth = layers / 8
            let isWorthMore =
                layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2
            return isWorthMore ? .q6_K : plain
        case "attn_qkv": return self == .q4_k_m ? .q5_K : .q6_K
        default: return plain
        }
    }

    private func fitting(_ type: GGUFType, _ columns: Int) -> GGUFType {
        if columns % type.blockElements == 0 { return type }
        guard columns % 32 == 0 else { return .f16 }
        return switch type {
        case .q4_K: .q5_0
        case .q5_K: .q5_1
        default: .q8_0
        }
    }
}
