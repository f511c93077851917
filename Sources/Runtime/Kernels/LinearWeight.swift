/// Where the weights of a linear layer are.
enum LinearWeight: Sendable {
    /// Quantized.
    case tiled(TiledMatrix)
    /// As the checkpoint stores them.
    case dense(DenseMatrix)
}
