/// How linear layers compute.
public enum ComputeDType: String, Sendable {
    /// Exact dequantized weights, fp32 arithmetic: the reference.
    case fp32
    /// Weights and inputs rounded to bf16, fp32 sums.
    case bf16
    /// 8-bit integer products per block of 64, fp32 sums over blocks: the fast path.
    case int8
}

/// What every kernel call needs to know besides its operands.
public struct ComputeContext: Sendable {
    /// The threads to use.
    public let pool: ThreadPool
    /// The arithmetic of linear layers.
    public let dtype: ComputeDType

    /// A context over a pool.
    public init(pool: ThreadPool, dtype: ComputeDType) {
        self.pool = pool
        self.dtype = dtype
    }
}
