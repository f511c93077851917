import CKernels

/// A matrix [rows, columns] in its source precision: embedding, output head, router.
///
/// With 8-bit blocks (the head in int8 mode) products use one scale per row and 64 columns, while
/// `gather` keeps reading the source.
///
/// Immutable: pointers into owners.
public final class DenseMatrix: @unchecked Sendable {
    /// How products with the matrix are computed.
    public enum Products: Sendable {
        /// In fp32 from the source values.
        case exact
        /// From 8-bit blocks of 64 when the context computes in int8.
        case eightBit
        /// None: rows are looked up and nothing else.
        case none
    }

    /// Shape.
    public let rows: Int, columns: Int
    /// Format of the source.
    public let format: FloatFormat
    /// Bytes held beside the source.
    public let addedBytes: Int

    private let dense: fk_dense
    /// 8-bit blocks, where there are any.
    let tiled: fk_tiled?
    private let source: UnsafeRawBufferPointer
    /// Where rows are looked up in place of `source`.
    private let stored: (any RowSource)?
    private let owner: (any AnyObject & Sendable)?
    private let memory: TileMemory?

    /// Over `source`, which `owner` keeps alive, or a copy of it when there is no owner.
    public init(
        _ source: UnsafeRawBufferPointer,
        format: FloatFormat,
        rows: Int,
        columns: Int,
        owner: (any AnyObject & Sendable)?,
        products: Products,
        pool: ThreadPool
    ) {
        let bytes = rows * columns * format.width
        precondition(rows > 0 && columns > 0 && source.count >= bytes, "too few weights")
        var kept = UnsafeRawBufferPointer(rebasing: source[..<bytes])
        var keeper = owner
        if owner == nil {
            let copy = TileMemory(bytes: bytes)
            UnsafeMutableRawBufferPointer(copy.tiles.elements).copyMemory(from: kept)
            kept = copy.tiles.bytes
            keeper = copy
        }
        self.source = kept
        stored = nil
        self.owner = keeper
        self.rows = rows
        self.columns = columns
        self.format = format
        dense = fk_dense(data: kept.baseAddress, rows: rows, columns: columns, format: format.code)
        guard products == .eightBit else {
            tiled = nil
            memory = nil
            addedBytes = owner == nil ? bytes : 0
            return
        }
        let (shape, tiles) = Self.eightBit(kept, format, rows, columns, pool)
        tiled = shape
        memory = tiles
        addedBytes = tiles.tiles.count + (owner == nil ? bytes : 0)
    }

    /// Over weights stored in a form of their own.
    ///
    /// Rows are looked up there; products have blocks of 8 bits, or an fp32 copy.
    public init(_ stored: any RowSource, products: Products, pool: ThreadPool) {
        precondition(stored.rows > 0 && stored.columns > 0, "a matrix has rows and columns")
        rows = stored.rows
        columns = stored.columns
        format = .f32
        self.stored = stored
        var copy: FloatMemory?
        var made: (shape: fk_tiled, tiles: TileMemory)?
        switch products {
        case .none: break
        case .exact: copy = stored.decoded(pool)
        case .eightBit:
            let numbers = stored.decoded(pool)
            made = Self.eightBit(numbers.numbers.bytes, .f32, rows, columns, pool)
        }
        source = copy?.numbers.bytes ?? UnsafeRawBufferPointer(start: nil, count: 0)
        owner = copy
        dense = fk_dense(
            data: source.baseAddress,
            rows: rows,
            columns: columns,
            format: format.code
        )
        tiled = made?.shape
        memory = made?.tiles
        addedBytes = source.count + (made?.tiles.tiles.count ?? 0)
    }

    private static func eightBit(
        _ source: UnsafeRawBufferPointer,
        _ format: FloatFormat,
        _ rows: Int,
        _ columns: Int,
        _ pool: ThreadPool
    ) -> (shape: fk_tiled, tiles: TileMemory) {
        var shape = fk_tiled(tiles: nil, rows: rows, columns: columns, sub: 64, kind: Int32(FK_Q8))
        let tiles = TileMemory(bytes: fk_tiled_bytes(&shape))
        fk_q8_pack(pool.pool, &shape, source.baseAddress, format.code, tiles.tiles.baseAddress)
        shape.tiles = UnsafePointer(tiles.tiles.baseAddress)
        return (shape, tiles)
    }

    /// One row as fp32: an embedding lookup.
    public func gather(row: Int, into out: UnsafeMutablePointer<Float>) {
        precondition(row >= 0 && row < rows, "row beyond the matrix")
        if let stored { return stored.decode(row: row, into: out) }
        guard let base = source.baseAddress else { return }
        format.decode(base + row * columns * format.width, count: columns, into: out)
    }

    /// y[m, outputs] = x Wᵀ for a range of output rows; y points at the range's first column.
    ///
    /// The range begins at a multiple of 16 and ends at one or at the last row.
    public func forward(
        _ x: LinearInput,
        outputs: Range<Int>,
        into y: UnsafeMutablePointer<Float>,
        stride: Int,
        _ context: ComputeContext
    ) {
        precondition(x.columns == columns && stride >= outputs.count, "shapes of a linear layer")
        precondition(
            context.dtype == .int8 && tiled != nil || source.baseAddress != nil,
            "a matrix for products"
        )
        precondition(
            outputs.lowerBound >= 0 && outputs.lowerBound % 16 == 0 && outputs.upperBound <= rows
                && (outputs.upperBound % 16 == 0 || outputs.upperBound == rows),
            "output ranges are made of tiles"
        )
        let (first, last) = (outputs.lowerBound, outputs.upperBound)
        if context.dtype == .int8, var tiled {
            fk_linear_i16(context.pool.pool, &tiled, first, last, &x.input, y, stride)
        } else {
            var dense = dense
            fk_dense_forward(context.pool.pool, &dense, first, last, x.input.x, x.rows, y, stride)
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

    /// dx[m, columns] += g W, with the weights `forward` uses; ranges of outputs as in ``TiledMatrix``.
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
        if context.dtype == .int8, let tiled {
            var part = tiled.rows(outputs)
            fk_linear_backward_i16(context.pool.pool, &part, g, rows, stride, dx, dxStride)
            return
        }
        precondition(
            outputs.lowerBound >= 0 && outputs.upperBound <= self.rows,
            "rows of the matrix"
        )
        precondition(source.baseAddress != nil, "a matrix for products")
        var dense = dense
        dense.data = source.baseAddress.map {
            UnsafeRawPointer($0 + outputs.lowerBound * columns * format.width)
        }
        dense.rows = outputs.count
        fk_dense_backward(context.pool.pool, &dense, g, rows, stride, dx, dxStride)
    }
}
