import CKernels

/// An NF4 weight matrix W [rows = outputs, columns = inputs].
///
/// Where `columns` is no multiple of 64, bitsandbytes' blocks of the flat matrix straddle rows; a tile
/// block then carries one scale per gcd(columns, 64) columns.
///
/// Immutable: as a tiled matrix is.
public final class NF4Matrix: TiledMatrix, @unchecked Sendable {
    /// Weights under one absmax in the flat order, 64 by default.
    public let blockSize: Int

    /// Tiles made of bitsandbytes' packed nibbles and absmax values.
    public init(
        codes: UnsafeRawBufferPointer,
        absmax: UnsafeBufferPointer<Float>,
        rows: Int,
        columns: Int,
        blockSize: Int,
        pool: ThreadPool
    ) {
        let count = rows * columns
        precondition(
            codes.count >= (count + 1) / 2
                && absmax.count >= (count + blockSize - 1) / blockSize,
            "too few codes or scales for the shape"
        )
        let shape = Self.shape(rows, columns, blockSize)
        let memory = TileMemory(bytes: Self.bytes(shape))
        if let codes = codes.baseAddress, let absmax = absmax.baseAddress {
            var shape = shape
            fk_nf4_pack(
                pool.pool,
                &shape,
                codes.assumingMemoryBound(to: UInt8.self),
                absmax,
                blockSize,
                memory.tiles.baseAddress
            )
        }
        self.blockSize = blockSize
        super.init(shape, memory.tiles.bytes, owner: memory)
    }

    /// A matrix over tiles that `owner` keeps, 64-byte aligned, such as a mapped packed cache.
    ///
    /// nil when the size or the alignment does not fit the shape.
    public init?(
        storage: UnsafeRawBufferPointer,
        owner: any AnyObject & Sendable,
        rows: Int,
        columns: Int,
        blockSize: Int
    ) {
        guard rows > 0, columns > 0, Self.isBlockSize(blockSize) else { return nil }
        let shape = Self.shape(rows, columns, blockSize)
        guard Self.fits(storage, shape) else { return nil }
        self.blockSize = blockSize
        super.init(shape, storage, owner: owner)
    }

    /// Quantizes a row-major matrix with bitsandbytes' rule, blocks of 64.
    public static func quantize(
        _ source: UnsafeRawBufferPointer,
        dtype: FloatFormat,
        rows: Int,
        columns: Int,
        pool: ThreadPool
    ) -> NF4Matrix {
        precondition(source.count >= rows * columns * dtype.width, "too few weights for the shape")
        let flat = UnsafeRawBufferPointer(rebasing: source[..<(rows * columns * dtype.width)])
        let quantized = NF4.quantize(flat, format: dtype, pool: pool)
        return quantized.codes.withUnsafeBytes { codes in
            quantized.absmax.withUnsafeBufferPointer { absmax in
                NF4Matrix(
                    codes: codes,
                    absmax: absmax,
                    rows: rows,
                    columns: columns,
                    blockSize: 64,
                    pool: pool
                )
            }
        }
    }

    /// Whether bitsandbytes' block size can be held: a power of two from 32 to 4096.
    public static func isBlockSize(_ size: Int) -> Bool {
        size >= 32 && size <= 4096 && size.nonzeroBitCount == 1
    }

    /// Bytes of the tiles of a shape.
    public static func storageBytes(rows: Int, columns: Int, blockSize: Int) -> Int {
        bytes(shape(rows, columns, blockSize))
    }

    private static func shape(
        _ rows: Int,
        _ columns: Int,
        _ blockSize: Int
    ) -> fk_tiled {
        precondition(isBlockSize(blockSize), "a block size of bitsandbytes")
        var (a, b) = (min(64, blockSize), columns)
        while b != 0 { (a, b) = (b, a % b) }
        return fk_tiled(
            tiles: nil,
            rows: rows,
            columns: columns,
            sub: a,
            kind: Int32(FK_NF4)
        )
    }
}
