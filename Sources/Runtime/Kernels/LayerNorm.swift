import CKernels

/// Normalisation of rows by their mean and deviation.
public struct LayerNorm: Sendable {
    /// Added to the variance.
    public var eps: Float
    /// Added to every weight: 1 in Nemotron, else 0.
    public var weightOffset: Float

    /// A norm's two constants.
    public init(eps: Float, weightOffset: Float = 0) {
        self.eps = eps
        self.weightOffset = weightOffset
    }

    /// y = (x − mean) / deviation × (weight + offset) + bias; x and y [rows, columns] may be the same
    /// memory.
    public func forward(
        _ x: UnsafePointer<Float>,
        rows: Int,
        columns: Int,
        weight: UnsafePointer<Float>,
        bias: UnsafePointer<Float>?,
        into y: UnsafeMutablePointer<Float>,
        _ context: ComputeContext
    ) {
        let pool = context.pool.pool
        fk_layer_norm(pool, x, rows, columns, weight, bias, weightOffset, eps, y)
    }

    /// dx += the gradient through the norm; x, dy and dx are [rows, columns].
    public func backward(
        _ x: UnsafePointer<Float>,
        gradient dy: UnsafePointer<Float>,
        rows: Int,
        columns: Int,
        weight: UnsafePointer<Float>,
        into dx: UnsafeMutablePointer<Float>,
        _ context: ComputeContext
    ) {
        let pool = context.pool.pool
        fk_layer_norm_backward(pool, x, dy, rows, columns, weight, weightOffset, eps, dx)
    }
}
