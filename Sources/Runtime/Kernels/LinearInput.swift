import CKernels

/// One input of linear layers, prepared once and used by q, k, v and so on.
///
/// Keeps the caller's fp32 rows [rows, columns] and, in int8 mode, their 15-bit integers with one
/// scale per row and block of 64 columns. A reusable workspace that never grows; owned by one thread.
public final class LinearInput {
    /// Rows and columns the workspace holds.
    public let maxRows: Int, maxColumns: Int
    /// The shape loaded.
    public private(set) var rows = 0, columns = 0

    var input = fk_input()
    private let quantized: AlignedBuffer<Int16>
    private let scales: AlignedBuffer<Float>
    private let rounded: AlignedBuffer<Float>

    /// Memory for inputs of up to this shape in one compute mode.
    public init(maxRows: Int, maxColumns: Int, dtype: ComputeDType) {
        self.maxRows = maxRows
        self.maxColumns = maxColumns
        let blocks = dtype == .int8 ? maxRows * ((maxColumns + 63) / 64) : 0
        quantized = AlignedBuffer(count: blocks * 64)
        scales = AlignedBuffer(count: blocks)
        rounded = AlignedBuffer(count: dtype == .bf16 ? maxRows * maxColumns : 0)
    }

    /// Prepares `rows` contiguous rows of `columns`; `x` stays the caller's and must stay valid.
    public func load(
        _ x: UnsafePointer<Float>,
        rows: Int,
        columns: Int,
        _ context: ComputeContext
    ) {
        precondition(rows <= maxRows && columns <= maxColumns, "input beyond its workspace")
        self.rows = rows
        self.columns = columns
        input.x = x
        input.rows = rows
        input.columns = columns
        switch context.dtype {
        case .fp32: break
        case .bf16:
            precondition(rounded.count >= rows * columns, "a workspace for another compute mode")
            fk_round_bf16(x, rows * columns, rounded.baseAddress)
            input.x = UnsafePointer(rounded.baseAddress)
        case .int8:
            precondition(
                scales.count >= rows * ((columns + 63) / 64),
                "a workspace for another compute mode"
            )
            fk_input_quantize(
                context.pool.pool,
                &input,
                quantized.baseAddress,
                scales.baseAddress
            )
        }
    }
}
