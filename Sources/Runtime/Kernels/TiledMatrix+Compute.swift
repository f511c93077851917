import CKernels

extension TiledMatrix {
    /// y[m, outputs] = x Wᵀ for a range of output rows; y points at the range's first column, rows
    /// of y are `stride` apart.
    ///
    /// A row's result does not depend on the other rows, nor on threads or instruction set. The range
    /// begins at a multiple of 16 and ends at one or at the last row.
    public func forward(
        _ x: LinearInput,
        outputs: Range<Int>,
        into y: UnsafeMutablePointer<Float>,
        stride: Int,
        _ context: ComputeContext
    ) {
        precondition(x.columns == columns && stride >= outputs.count, "shapes of a linear layer")
        precondition(
            outputs.lowerBound >= 0 && outputs.lowerBound % 16 == 0 && outputs.upperBound <= rows
                && (outputs.upperBound % 16 == 0 || outputs.upperBound == rows),
            "output ranges are made of tiles"
        )
        var matrix = tiled
        let (pool, first, last) = (context.pool.pool, outputs.lowerBound, outputs.upperBound)
        if context.dtype == .int8 {
            fk_linear_i16(pool, &matrix, first, last, &x.input, y, stride)
        } else {
            let round: Int32 = context.dtype == .bf16 ? 1 : 0
            fk_linear_f32(pool, &matrix, first, last, &x.input, round, y, stride)
        }
    }

    /// y[m, rows] = x Wᵀ.
    public func forward(
        _ x: LinearInput,
        into y: UnsafeMutablePointer<Float>,
        stride: Int,
        _ context: ComputeContext
    ) {
        forward(x, outputs: 0..<rows, into: y, stride: stride, context)
    }

    /// dx[m, columns] += g W, for `rows` rows of g [m, outputs], or for a range of the outputs.
    ///
    /// A range begins at a multiple of 64 and ends at one or at the last output. Ranges in ascending order
    /// give the bits of the whole.
    /// Exact fp32 weights; in int8 mode exact sums of 12-bit weights and 14-bit gradients.
    public func backward(
        _ g: UnsafePointer<Float>,
        rows: Int,
        outputs: Range<Int>? = nil,
        stride: Int,
        into dx: UnsafeMutablePointer<Float>,
        dxStride: Int,
        _ context: ComputeContext
    ) {
        precondition(stride >= self.rows && dxStride >= columns, "shapes of a linear layer")
        let outputs = outputs ?? 0..<self.rows
        let g = g + outputs.lowerBound
        var matrix = tiled.rows(outputs)
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

extension fk_tiled {
    /// Some rows of the matrix, from a multiple of 64 to one or to the last, in the same memory.
    func rows(_ range: Range<Int>) -> fk_tiled {
        precondition(
            range.lowerBound >= 0 && range.lowerBound % 64 == 0 && range.upperBound <= rows
                && (range.upperBound % 64 == 0 || range.upperBound == rows),
            "ranges of a gradient are made of blocks"
        )
        var (before, part) = (self, self)
        before.rows = range.lowerBound
        part.rows = range.count
        part.tiles = tiles.map { $0 + fk_tiled_bytes(&before) }
        return part
    }
}
