import CKernels

/// A quantized weight matrix W [rows = outputs, columns = inputs] in tiles of 16 rows × 64 columns.
///
/// 16 output rows are interleaved so that a vector lane is an output; after the codes of a block come
/// the scales of its rows. Rows are padded to 16 and columns to 64 with codes of zero.
///
/// Immutable: pointers into `owner`.
public class TiledMatrix: @unchecked Sendable {
    /// Shape [rows = outputs, columns = inputs].
    public final let rows: Int, columns: Int
    /// The tiles: for the packed cache and for hashing.
    ///
    /// Valid while the matrix lives.
    public final let storage: UnsafeRawBufferPointer

    final let tiled: fk_tiled
    private let owner: any AnyObject & Sendable

    /// Over the tiles that `shape` points at, which `owner` keeps.
    init(_ shape: fk_tiled, _ storage: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) {
        rows = shape.rows
        columns = shape.columns
        self.storage = storage
        self.owner = owner
        tiled = fk_tiled(
            tiles: storage.baseAddress?.assumingMemoryBound(to: UInt8.self),
            rows: shape.rows,
            columns: shape.columns,
            sub: shape.sub,
            kind: shape.kind
        )
    }

    static func bytes(_ shape: fk_tiled) -> Int {
        var shape = shape
        return fk_tiled_bytes(&shape)
    }

    /// Whether tiles that somebody keeps fit a shape.
    static func fits(_ storage: UnsafeRawBufferPointer, _ shape: fk_tiled) -> Bool {
        guard let base = storage.baseAddress else { return false }
        return storage.count == bytes(shape) && Int(bitPattern: base) % 64 == 0
    }
}

/// Tiles in memory of their own.
///
/// Immutable: written before it is shared.
final class TileMemory: @unchecked Sendable {
    let tiles: AlignedBuffer<UInt8>

    init(bytes: Int) { tiles = AlignedBuffer(count: bytes) }
}
