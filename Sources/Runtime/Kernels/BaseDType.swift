/// How the base's linear layers are held in memory.
public enum BaseDType: String, Sendable {
    /// NF4, 4.5 bits per weight: what a checkpoint in NF4 is anyway.
    case nf4
    /// 8 bits and a scale per 64, 8.5 bits per weight.
    case int8
    /// As the checkpoint stores them: bf16, fp16 or fp32.
    case bf16

    /// From so many parameters on NF4 costs a model little; the answers of smaller ones worsen visibly.
    public static let parametersForNF4 = 1_000_000_000

    /// A few words for whoever starts it.
    public var summary: String {
        switch self {
        case .nf4: "NF4, 4.5 bits per weight"
        case .int8: "8.5 bits per weight"
        case .bf16: "as they are stored"
        }
    }

    /// Bytes that a product with a matrix reads.
    func bytes(rows: Int, columns: Int) -> Int {
        switch self {
        case .nf4: NF4Matrix.storageBytes(rows: rows, columns: columns, blockSize: 64)
        case .int8: Int8Matrix.storageBytes(rows: rows, columns: columns)
        case .bf16: 2 * rows * columns
        }
    }
}
