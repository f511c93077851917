import CKernels

extension TiledMatrix {
    /// y[m, rows] = x Wᵀ, rows of y `stride` apart.
    ///
    /// A row's result does not depend on the other rows, nor on threads or instruction set.
    public func forward(
        _ x: LinearInput,
        into y: UnsafeMutablePointer<Float>,
        stride: Int,
        _ context: ComputeContext
    ) {
        precondition(x.columns == columns && stride >= rows, "shapes of a linear layer")
        var matrix = tiled
        if context.dtype == .int8 {
            fk_linear_i16(context.pool.pool, &matrix, 0, rows, &x.input, y, stride)
        } else {
            let round: Int32 = context.dtype == .bf16 ? 1 : 0
            fk_linear_f32(context.pool.pool, &matrix, 0, rows, &x.input, round, y, stride)
        }
    }

    /// dx[m, columns] += g W, for `rows` rows of g [m, outputs].
    ///
    /// Exact fp32 weights; in int8 mode exact sums of 12-bit weights and 14-bit gradients.
    public func backward(
        _ g: UnsafePointer<Float>,
        rows: Int,
        stride: Int,
        into dx: UnsafeMutablePointer<Float>,
        dxStride: Int,
        _ context: ComputeContext
    ) {
        precondition(stride >= self.rows && dxStride >= columns, "shapes of a linear layer")
        var matrix = tiled
        let pool = context.pool.pool
        if context.dtype == .int8 {
            fk_linear_backward_i16(pool, &matrix, g, rows, stride, dx, dxStride)
        } else {
            fk_linear_backward_f32(pool, &matrix, g, rows, stride, dx, dxStride)
        }
    }

    /// The weights, row major, exactly as code × scale in fp32.
    public func dequantize(into out: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        var matrix = tiled
        fk_tiled_dequantize(pool.pool, &matrix, out)
    }
}
