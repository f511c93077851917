/// The norm of rows, by root mean square or by mean and deviation, with its weights.
struct NormLayer: Sendable {
    private enum Kernel {
        case rootMeanSquare(RMSNorm)
        case centered(LayerNorm)
    }

    let weight: FloatVector
    /// Added at the end, where a family has it.
    let bias: FloatVector?
    private let kernel: Kernel

    init(weight: FloatVector, bias: FloatVector?, _ constants: NormConstants) {
        self.weight = weight
        self.bias = bias
        let (eps, offset) = (constants.eps, constants.weightOffset)
        kernel =
            constants.isCentered
            ? .centered(LayerNorm(eps: eps, weightOffset: offset))
            : .rootMeanSquare(RMSNorm(eps: eps, weightOffset: offset))
    }

    var columns: Int { weight.count }

    /// y [rows, columns] from x; may be in place.
    func forward(
        _ x: UnsafePointer<Float>,
        rows: Int,
        into y: UnsafeMutablePointer<Float>,
        _ context: ComputeContext
    ) {
        let weight = weight.pointer
        switch kernel {
        case .rootMeanSquare(let kernel):
            kernel.forward(
                x,
                rows: rows,
                columns: columns,
                stride: columns,
                weight: weight,
                into: y,
                yStride: columns,
                context
            )
        case .centered(let kernel):
            let bias = bias?.pointer
            kernel.forward(
                x,
                rows: rows,
                columns: columns,
                weight: weight,
                bias: bias,
                into: y,
                context
            )
        }
    }

    /// dx += the gradient of `forward` at x.
    func backward(
        _ x: UnsafePointer<Float>,
        gradient dy: UnsafePointer<Float>,
        rows: Int,
        into dx: UnsafeMutablePointer<Float>,
        _ context: ComputeContext
    ) {
        let weight = weight.pointer
        switch kernel {
        case .rootMeanSquare(let kernel):
            kernel.backward(
                x,
                gradient: dy,
                rows: rows,
                columns: columns,
                stride: columns,
                weight: weight,
                into: dx,
                context
            )
        case .centered(let kernel):
            kernel.backward(
                x,
                gradient: dy,
                rows: rows,
                columns: columns,
                weight: weight,
                into: dx,
                context
            )
        }
    }
}
