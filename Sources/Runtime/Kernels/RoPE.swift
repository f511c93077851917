import CKernels

/// Rotary positions on pairs of each head's first 2 × half dims: (i, i + half), or (2i, 2i + 1).
public enum RoPE {
    /// cos and sin [rows, half] of fp32 angles position × inverse frequency, both times `factor`.
    public static func table(
        positions: UnsafePointer<Int32>,
        rows: Int,
        inverseFrequencies: UnsafeBufferPointer<Float>,
        factor: Float,
        cosines: UnsafeMutablePointer<Float>,
        sines: UnsafeMutablePointer<Float>
    ) {
        fk_rope_table(
            positions,
            rows,
            inverseFrequencies.baseAddress,
            inverseFrequencies.count,
            factor,
            cosines,
            sines
        )
    }

    /// Rotates x [rows, heads × headDim], rows `stride` apart, in place.
    public static func apply(
        _ x: UnsafeMutablePointer<Float>,
        rows: Int,
        heads: Int,
        headDim: Int,
        stride: Int,
        half: Int,
        cosines: UnsafePointer<Float>,
        sines: UnsafePointer<Float>,
        neighbours: Bool = false
    ) {
        precondition(2 * half <= headDim, "rotary dims within the head")
        let rotate = neighbours ? fk_rope_pairs : fk_rope
        rotate(x, rows, heads, headDim, stride, half, cosines, sines, 1)
    }

    /// The gradient: the rotation by the opposite angle, in place.
    public static func backward(
        _ gradient: UnsafeMutablePointer<Float>,
        rows: Int,
        heads: Int,
        headDim: Int,
        stride: Int,
        half: Int,
        cosines: UnsafePointer<Float>,
        sines: UnsafePointer<Float>,
        neighbours: Bool = false
    ) {
        precondition(2 * half <= headDim, "rotary dims within the head")
        let rotate = neighbours ? fk_rope_pairs : fk_rope
        rotate(gradient, rows, heads, headDim, stride, half, cosines, sines, -1)
    }
}
