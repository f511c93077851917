import CKernels

/// The activation of an MLP: act(gate) × up, or act(gate) where nothing is gated.
public enum GatedActivation: Sendable, Hashable {
    /// SwiGLU.
    case silu
    /// GeGLU with the tanh approximation.
    case geluTanh
    /// GeGLU with the error function.
    case geluErf
    /// max(x, 0)², as in Nemotron.
    case reluSquared

    private var code: Int32 {
        switch self {
        case .silu: Int32(FK_SILU)
        case .geluTanh: Int32(FK_GELU_TANH)
        case .geluErf: Int32(FK_GELU_ERF)
        case .reluSquared: Int32(FK_RELU_SQUARED)
        }
    }

    /// out = act(gate) × up over rows of `columns`; out may be gate or up.
    ///
    /// Without up it is act(gate) alone.
    public func forward(
        gate: UnsafePointer<Float>,
        up: UnsafePointer<Float>?,
        rows: Int,
        columns: Int,
        stride: Int,
        into out: UnsafeMutablePointer<Float>,
        outStride: Int,
        _ context: ComputeContext
    ) {
        fk_gated(
            context.pool.pool,
            code,
            gate,
            up,
            rows,
            columns,
            stride,
            out,
            outStride
        )
    }

    /// dgate and dup of dout; gate and dgate, up and dup may be the same memory.
    public func backward(
        gate: UnsafePointer<Float>,
        up: UnsafePointer<Float>?,
        gradient dout: UnsafePointer<Float>,
        rows: Int,
        columns: Int,
        stride: Int,
        gradientStride: Int,
        gateInto dgate: UnsafeMutablePointer<Float>,
        upInto dup: UnsafeMutablePointer<Float>?,
        _ context: ComputeContext
    ) {
        fk_gated_backward(
            context.pool.pool,
            code,
            gate,
            up,
            dout,
            rows,
            columns,
            stride,
            gradientStride,
            dgate,
            dup
        )
    }
}

/// cap × tanh(x / cap), as Gemma bounds its scores and logits.
public enum SoftCap {
    /// In place.
    public static func apply(_ x: UnsafeMutablePointer<Float>, count: Int, cap: Float) {
        fk_soft_cap(x, count, cap)
    }

    /// Multiplies `gradient` by the slope at the capped values.
    public static func backward(
        capped: UnsafePointer<Float>,
        count: Int,
        cap: Float,
        gradient: UnsafeMutablePointer<Float>
    ) {
        fk_soft_cap_backward(capped, count, cap, gradient)
    }
}
