import CKernels

/// Root mean square normalisation of rows.
public struct RMSNorm: Sendable {
    /// Added to the mean square.
    public var eps: Float
    /// Added to every weight: 1 in Gemma, else 0.
    public var weightOffset: Float

    /// A norm's two constants.
    public init(eps: Float, weightOffset: Float = 0) {
        self.eps = eps
        self.weightOffset = weightOffset
    }

    /// y = x / rms(x) × (weight + offset); x and y [rows, columns] may be the same memory.
    public func forward(
        _ x: UnsafePointer<Float>,
        rows: Int,
        columns: Int,
        stride: Int,
        weight: UnsafePointer<Float>,
        into y: UnsafeMutablePointer<Float>,
        yStride: Int,
        _ context: ComputeContext
    ) {
        let pool = context.pool.pool
        fk_rmsnorm(pool, x, rows, columns, stride, weight, weightOffset, eps, y, yStride)
    }

    /// dx += the gradient through the norm; x, dy and dx share one stride.
    public func backward(
        _ x: UnsafePointer<Float>,
        gradient dy: UnsafePointer<Float>,
        rows: Int,
        columns: Int,
        stride: Int,
        weight: UnsafePointer<Float>,
        into dx: UnsafeMutablePointer<Float>,
        _ context: ComputeContext
    ) {
        let pool = context.pool.pool
        fk_rmsnorm_backward(pool, x, dy, rows, columns, stride, weight, weightOffset, eps, dx)
    }
}
