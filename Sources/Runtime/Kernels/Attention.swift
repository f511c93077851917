import CKernels

/// One sequence's rows of a batch: consecutive positions, keys in the blocks of its table.
///
/// Laid out as the C kernels read it.
@frozen
public struct AttentionSequence {
    /// First row in the batch and number of rows.
    public var firstRow: Int32, rows: Int32
    /// Position of the first row.
    public var firstPosition: Int32
    private var unused: Int32 = 0
    /// Block indices into the pool, for positions 0 ..< firstPosition + rows; must stay valid.
    public var blockTable: UnsafePointer<Int32>

    /// Rows firstRow ..< firstRow + rows at positions firstPosition and up.
    public init(firstRow: Int, rows: Int, firstPosition: Int, blockTable: UnsafePointer<Int32>) {
        self.firstRow = Int32(firstRow)
        self.rows = Int32(rows)
        self.firstPosition = Int32(firstPosition)
        self.blockTable = blockTable
    }
}

/// Causal attention over the paged cache, grouped-query, with optional window and soft cap.
///
/// A row's result depends neither on the batch nor on chunking nor on threads: keys are visited in
/// blocks of 16 aligned at position 0, in order, with an online softmax.
public struct Attention: Sendable, Hashable {
    /// Query heads; a multiple of `kvHeads`, at most 64 per key-value head.
    public var heads: Int
    /// Key-value heads.
    public var kvHeads: Int
    /// Dimensions of a head, at most 512.
    public var headDim: Int
    /// Multiplies the scores, usually 1 / sqrt(headDim).
    public var scale: Float
    /// Scores become cap × tanh(score / cap).
    public var softCap: Float?
    /// A position sees itself and the `window - 1` before it.
    public var window: Int?

    /// The shape of one layer's attention.
    public init(
        heads: Int,
        kvHeads: Int,
        headDim: Int,
        scale: Float,
        softCap: Float? = nil,
        window: Int? = nil
    ) {
        precondition(Self.supports(heads: heads, kvHeads: kvHeads, headDim: headDim))
        self.heads = heads
        self.kvHeads = kvHeads
        self.headDim = headDim
        self.scale = scale
        self.softCap = softCap
        self.window = window
    }

    /// Whether the kernels can compute a shape.
    public static func supports(heads: Int, kvHeads: Int, headDim: Int) -> Bool {
        kvHeads > 0 && heads > 0 && heads % kvHeads == 0 && heads / kvHeads <= 64
            && headDim > 0 && headDim <= 512
    }

    private var shape: fk_attention {
        fk_attention(
            heads: heads,
            kv_heads: kvHeads,
            head_dim: headDim,
            scale: scale,
            soft_cap: softCap ?? 0,
            window: Int32(clamping: window ?? 0)
        )
    }

    private func checked(
        _ pool: KVBlockPool,
        _ sequences: UnsafeBufferPointer<AttentionSequence>
    ) -> UnsafePointer<fk_sequence>? {
        precondition(pool.kvHeads == kvHeads && pool.headDim == headDim, "the cache's shape")
        return UnsafeRawPointer(sequences.baseAddress)?.assumingMemoryBound(to: fk_sequence.self)
    }

    /// Writes k and v rows [rows, kvHeads × headDim] into their slots of one layer.
    public func write(
        k: UnsafePointer<Float>,
        v: UnsafePointer<Float>,
        stride: Int,
        sequences: UnsafeBufferPointer<AttentionSequence>,
        cache: KVBlockPool,
        layer: Int
    ) {
        guard let list = checked(cache, sequences) else { return }
        var (shape, memory) = (shape, cache.kernelLayer(layer))
        fk_kv_write(&memory, &shape, list, sequences.count, k, v, stride)
    }

    /// out [rows, heads × headDim] from q of the same shape; the rows' own k and v are written before.
    ///
    /// `logSumExp` [rows of the batch, heads] is what `backward` needs.
    public func forward(
        q: UnsafePointer<Float>,
        qStride: Int,
        sequences: UnsafeBufferPointer<AttentionSequence>,
        cache: KVBlockPool,
        layer: Int,
        into out: UnsafeMutablePointer<Float>,
        outStride: Int,
        logSumExp: UnsafeMutablePointer<Float>?,
        _ context: ComputeContext
    ) {
        guard let list = checked(cache, sequences) else { return }
        var (shape, memory) = (shape, cache.kernelLayer(layer))
        fk_attention_forward(
            context.pool.pool,
            &memory,
            &shape,
            list,
            sequences.count,
            q,
            qStride,
            out,
            outStride,
            logSumExp
        )
    }

    /// Writes dq (stride of q), dk and dv (`kvStride`) for sequences that begin at position 0.
    ///
    /// `delta` [rows of the batch, heads] is scratch; dout has the stride of out. Keys and values are
    /// read from the cache as the forward pass saw them.
    public func backward(
        q: UnsafePointer<Float>,
        qStride: Int,
        out: UnsafePointer<Float>,
        gradient dout: UnsafePointer<Float>,
        outStride: Int,
        logSumExp: UnsafePointer<Float>,
        delta: UnsafeMutablePointer<Float>,
        sequences: UnsafeBufferPointer<AttentionSequence>,
        cache: KVBlockPool,
        layer: Int,
        dq: UnsafeMutablePointer<Float>,
        dk: UnsafeMutablePointer<Float>,
        dv: UnsafeMutablePointer<Float>,
        kvStride: Int,
        _ context: ComputeContext
    ) {
        guard let list = checked(cache, sequences) else { return }
        precondition(
            sequences.allSatisfy { $0.firstPosition == 0 },
            "gradients need whole sequences"
        )
        var (shape, memory) = (shape, cache.kernelLayer(layer))
        fk_attention_backward(
            context.pool.pool,
            &memory,
            &shape,
            list,
            sequences.count,
            q,
            qStride,
            out,
            dout,
            outStride,
            logSumExp,
            delta,
            dq,
            dk,
            dv,
            kvStride
        )
    }
}

extension KVBlockPool {
    /// One layer as the kernels see it.
    func kernelLayer(_ index: Int) -> fk_kv_layer {
        let layer = layer(index)
        return fk_kv_layer(
            keys: layer.keys,
            values: layer.values,
            block_stride: layer.blockStrideBytes,
            format: Int32(format == .f32 ? FK_F32 : FK_F16)
        )
    }
}

extension KVFormat {
    /// The format that goes with a compute mode.
    public init(_ dtype: ComputeDType) { self = dtype == .fp32 ? .f32 : .f16 }
}
