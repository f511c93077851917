import CKernels

/// Rows of a batch that pass through one low-rank pair.
///
/// Laid out as the C kernels read it.
@frozen
public struct LoRATask {
    /// First row in the batch and number of rows.
    public var firstRow: Int, rows: Int
    /// Rank, from 1 to 256 in practice.
    public var rank: Int
    /// Where this task's t [rows, rank] begins in the intermediate buffer.
    public var offset: Int
    /// A [rank, inputs]; must stay valid.
    public var a: UnsafeRawPointer
    /// B transposed [rank, outputs]; must stay valid.
    public var bTransposed: UnsafeRawPointer
    private var format: Int32
    /// Multiplies the pair's output.
    public var scale: Float

    /// Rows firstRow ..< firstRow + rows; both matrices in one format.
    public init(
        firstRow: Int,
        rows: Int,
        rank: Int,
        offset: Int,
        a: UnsafeRawPointer,
        bTransposed: UnsafeRawPointer,
        format: FloatFormat,
        scale: Float
    ) {
        self.firstRow = firstRow
        self.rows = rows
        self.rank = rank
        self.offset = offset
        self.a = a
        self.bTransposed = bTransposed
        self.format = format.code
        self.scale = scale
    }
}

/// Products with low-rank pairs; per row independent of the batch.
///
/// With B kept transposed, forward and backward share the kernels: the gradient's u = g B is
/// `shrink` with Bᵀ as A, and dx += scale × u A is `expand` with A as Bᵀ.
public enum LoRAKernels {
    /// t = x Aᵀ for every task; x [rows, columns].
    public static func shrink(
        _ x: UnsafePointer<Float>,
        stride: Int,
        columns: Int,
        tasks: UnsafeBufferPointer<LoRATask>,
        into t: UnsafeMutablePointer<Float>,
        _ context: ComputeContext
    ) {
        fk_lora_shrink(context.pool.pool, list(tasks), tasks.count, x, stride, columns, t)
    }

    /// y += scale × t Bᵀ for every task, in order; y [rows, columns].
    public static func expand(
        _ t: UnsafePointer<Float>,
        tasks: UnsafeBufferPointer<LoRATask>,
        into y: UnsafeMutablePointer<Float>,
        stride: Int,
        columns: Int,
        _ context: ComputeContext
    ) {
        fk_lora_expand(context.pool.pool, list(tasks), tasks.count, t, y, stride, columns)
    }

    /// d[rank, columns] += scale × Σ over rows of p[row, rank] z[row, columns].
    ///
    /// dA with p = g B and z = x; dBᵀ with p = x Aᵀ and z = g.
    public static func outerProduct(
        _ p: UnsafePointer<Float>,
        rows: Int,
        rank: Int,
        with z: UnsafePointer<Float>,
        stride: Int,
        columns: Int,
        scale: Float,
        into d: UnsafeMutablePointer<Float>,
        _ context: ComputeContext
    ) {
        fk_lora_outer(context.pool.pool, p, rows, rank, z, stride, columns, scale, d)
    }

    private static func list(_ tasks: UnsafeBufferPointer<LoRATask>) -> UnsafePointer<fk_lora>? {
        UnsafeRawPointer(tasks.baseAddress)?.assumingMemoryBound(to: fk_lora.self)
    }
}
