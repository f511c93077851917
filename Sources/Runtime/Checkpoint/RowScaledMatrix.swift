/// A linear layer that bitsandbytes quantized to 8 bits: W = weight × SCB / 127, row by row.
///
/// Immutable: read-only bytes of mapped files.
struct RowScaledMatrix: RowSource, @unchecked Sendable {
    let rows: Int, columns: Int

    private let weights: Tensor, scales: Tensor

    init(weights: Tensor, scales: Tensor) throws(CheckpointError) {
        guard weights.type == .i8, weights.shape.count == 2, scales.type == .f32,
            scales.count == weights.shape[0], weights.count > 0
        else {
            throw .unsupported(tensor: weights.name, reason: "its weights and scales do not fit")
        }
        (rows, columns) = (weights.shape[0], weights.shape[1])
        self.weights = weights
        self.scales = scales
    }

    var storedBytes: [UnsafeRawBufferPointer] { [weights.bytes, scales.bytes] }
    var owner: any AnyObject & Sendable { weights.file }

    func decode(row: Int, into out: UnsafeMutablePointer<Float>) {
        precondition(row >= 0 && row < rows, "row beyond the matrix")
        let scale = scales.bytes.loadUnaligned(fromByteOffset: 4 * row, as: Float.self) / 127
        for column in 0..<columns {
            let code = weights.bytes.load(fromByteOffset: row * columns + column, as: Int8.self)
            out[column] = Float(code) * scale
        }
    }
}
