import CKernels

/// The format of cached keys and values.
public enum KVFormat: Sendable, Hashable {
    /// For fp32 compute.
    case f32
    /// For int8 and bf16 compute; values beyond ±65504 saturate.
    case f16

    /// Bytes of one number.
    public var width: Int { self == .f32 ? 4 : 2 }

    /// The format that goes with a compute mode.
    public init(_ dtype: ComputeDType) { self = dtype == .fp32 ? .f32 : .f16 }
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

    func layer(_ layer: Int) -> fk_kv_layer {
        precondition(layer >= 0 && layer < layers, "layer beyond the pool")
        let half = kvHeads * headDim * Self.blockTokens * format.width
        let keys = memory.baseAddress + layer * 2 * half
        return fk_kv_layer(
            keys: keys,
            values: keys + half,
            block_stride: bytesPerBlock,
            format: Int32(format == .f32 ? FK_F32 : FK_F16)
        )
    }
}
