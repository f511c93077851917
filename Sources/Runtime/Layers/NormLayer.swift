/// Root mean square norm of rows, with its weights.
struct NormLayer: Sendable {
    let weight: FloatVector
    let kernel: RMSNorm

    init(weight: FloatVector, _ constants: NormConstants) {
        self.weight = weight
        kernel = RMSNorm(eps: constants.eps, weightOffset: constants.weightOffset)
    }

    var columns: Int { weight.count }

    /// y [rows, columns] from x; may be in place.
    func forward(
        _ x: UnsafePointer<Float>,
        rows: Int,
        into y: UnsafeMutablePointer<Float>,
        _ context: ComputeContext
    ) {
        kernel.forward(
            x,
            rows: rows,
            columns: columns,
            stride: columns,
            weight: weight.pointer,
            into: y,
            yStride: columns,
            context
        )
    }

    /// dx += the gradient of `forward` at x.
    func backward(
        _ x: UnsafePointer<Float>,
        gradient dy: UnsafePointer<Float>,
        rows: Int,
        into dx: UnsafeMutablePointer<Float>,
        _ context: ComputeContext
    ) {
        kernel.backward(
            x,
            gradient: dy,
            rows: rows,
            columns: columns,
            stride: columns,
            weight: weight.pointer,
            into: dx,
            context
        )
    }
}
