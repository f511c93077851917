import CKernels

/// A weight matrix in 8 bits: one scale, the greatest magnitude / 127, per row and 64 columns.
///
/// Immutable: as a tiled matrix is.
public final class Int8Matrix: TiledMatrix, @unchecked Sendable {
    /// Quantizes a row-major matrix.
    public init(
        quantizing source: UnsafeRawBufferPointer,
        format: FloatFormat,
        rows: Int,
        columns: Int,
        pool: ThreadPool
    ) {
        precondition(source.count >= rows * columns * format.width, "too few weights for the shape")
        var shape = Self.shape(rows, columns)
        let memory = TileMemory(bytes: Self.bytes(shape))
        fk_q8_pack(pool.pool, &shape, source.baseAddress, format.code, memory.tiles.baseAddress)
        super.init(shape, memory.tiles.bytes, owner: memory)
    }

    /// A matrix over tiles that `owner` keeps, 64-byte aligned, such as a mapped packed cache.
    ///
    /// nil when the size or the alignment does not fit the shape.
    public init?(
        storage: UnsafeRawBufferPointer,
        owner: any AnyObject & Sendable,
        rows: Int,
        columns: Int
    ) {
        guard rows > 0, columns > 0 else { return nil }
        let shape = Self.shape(rows, columns)
        guard Self.fits(storage, shape) else { return nil }
        super.init(shape, storage, owner: owner)
    }

    /// Bytes of the tiles of a shape.
    public static func storageBytes(rows: Int, columns: Int) -> Int { bytes(shape(rows, columns)) }

    private static func shape(_ rows: Int, _ columns: Int) -> fk_tiled {
        fk_tiled(tiles: nil, rows: rows, columns: columns, sub: 64, kind: Int32(FK_Q8))
    }
}
