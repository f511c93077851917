/// Where a model's weights come from, tensor by tensor: a checkpoint, or chance.
protocol WeightSource: AnyObject {
    /// How the model's linear layers compute.
    var compute: ComputeDType { get }
    /// The bytes of everything given out so far.
    var weights: WeightBytes { get }

    /// How linear layers are held that the checkpoint did not quantize.
    var base: BaseDType { get }

    /// The weights of a linear layer, [outputs, inputs].
    func linear(_ name: String, rows: Int, columns: Int) throws(CheckpointError) -> LinearWeight

    /// A matrix kept in its source precision.
    func dense(
        _ name: String,
        rows: Int,
        columns: Int,
        products: DenseMatrix.Products
    ) throws(CheckpointError) -> DenseMatrix

    /// Numbers kept in fp32.
    func vector(_ name: String, count: Int) throws(CheckpointError) -> FloatVector

    /// Refuses tensors nobody asked for; `ignoring` tells which do not matter.
    func finish(ignoring: (String) -> Bool) throws(CheckpointError)
}
