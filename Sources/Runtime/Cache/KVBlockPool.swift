/// The format of cached keys and values.
public enum KVFormat: Sendable, Hashable {
    /// For fp32 compute.
    case f32
    /// For int8 and bf16 compute; values beyond ±65504 saturate.
    case f16

    /// Bytes of one number.
    public var width: Int { self == .f32 ? 4 : 2 }
}

/// The memory of a paged cache: blocks of 16 tokens, each holding every layer's keys and values.
///
/// A block's layer holds K [kvHead][headDim][16], so that a vector lane is a key, then
/// V [kvHead][16][headDim]. Who owns which block is the cache's business, not the pool's.
///
/// Owner: one thread at a time, of each block.
public final class KVBlockPool: @unchecked Sendable {
    /// Tokens per block.
    public static let blockTokens = 16

    /// Shape.
    public let layers: Int, kvHeads: Int, headDim: Int, blocks: Int
    /// Format of the numbers.
    public let format: KVFormat

    private let memory: AlignedBuffer<UInt8>

    /// Zeroed memory for `blocks` blocks.
    public init(layers: Int, kvHeads: Int, headDim: Int, blocks: Int, format: KVFormat) {
        self.layers = layers
        self.kvHeads = kvHeads
        self.headDim = headDim
        self.blocks = blocks
        self.format = format
        let bytes = Self.bytesPerBlock(
            layers: layers,
            kvHeads: kvHeads,
            headDim: headDim,
            format: format
        )
        memory = AlignedBuffer(count: blocks * bytes)
    }

    /// Bytes one block of 16 tokens takes over all layers.
    public static func bytesPerBlock(
        layers: Int,
        kvHeads: Int,
        headDim: Int,
        format: KVFormat
    ) -> Int {
        layers * 2 * kvHeads * headDim * blockTokens * format.width
    }

    /// Bytes of one block.
    public var bytesPerBlock: Int {
        Self.bytesPerBlock(layers: layers, kvHeads: kvHeads, headDim: headDim, format: format)
    }

    /// The bytes of one block, all layers: to copy or to clear it.
    public func bytes(ofBlock block: Int) -> UnsafeMutableRawBufferPointer {
        precondition(block >= 0 && block < blocks, "block beyond the pool")
        let base = memory.baseAddress + block * bytesPerBlock
        return UnsafeMutableRawBufferPointer(start: base, count: bytesPerBlock)
    }

    /// Where the keys of a layer begin in the first block, and the values, and how far apart blocks are.
    func layer(_ layer: Int) -> KVLayer {
        precondition(layer >= 0 && layer < layers, "layer beyond the pool")
        let half = kvHeads * headDim * Self.blockTokens * format.width
        let keys = memory.baseAddress + layer * 2 * half
        return KVLayer(keys: keys, values: keys + half, blockStrideBytes: bytesPerBlock)
    }
}

/// One layer of a pool: block b's keys begin at `keys + b × blockStrideBytes`.
struct KVLayer {
    let keys: UnsafeMutablePointer<UInt8>, values: UnsafeMutablePointer<UInt8>
    let blockStrideBytes: Int
}
