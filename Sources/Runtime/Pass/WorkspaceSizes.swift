/// What one pass over a number of rows needs, buffer by buffer: known before it is allocated.
struct WorkspaceSizes {
    let rows: Int
    let logitRows: Int
    let hidden: Int
    let vocabulary: Int
    /// A row of q, k and v, and of q alone.
    let qkv: Int
    let query: Int
    /// A row of q and k, where heads are normalised and gradients are wanted.
    let rawHeads: Int
    /// A row of q, k and v where a fused matrix orders them by head.
    let fusedRow: Int
    let heads: Int
    /// Width inside the widest MLP.
    let inner: Int
    let experts: Int
    /// Half the rotary dimensions, per table.
    let rotaryHalves: [Int]
    let dtype: ComputeDType
    let isTraining: Bool
    let hasLogitSoftCap: Bool
    /// Whether what a block adds is normalised first.
    let hasPostNorms: Bool

    init(
        _ a: Architecture,
        maxRows: Int,
        maxLogitRows: Int,
        dtype: ComputeDType,
        purpose: Workspace.Purpose
    ) {
        rows = maxRows
        logitRows = maxLogitRows
        hidden = a.hiddenSize
        vocabulary = a.vocabularySize
        qkv = a.queryWidth + 2 * a.keyWidth
        query = a.queryWidth
        isTraining = purpose == .training
        rawHeads = a.headNorm != .none && isTraining ? a.queryWidth + a.keyWidth : 0
        heads = a.heads
        let dense = a.layers.contains { !$0.isSparse } ? a.intermediateSize : 0
        inner = max(dense, a.experts?.intermediateSize ?? 0)
        experts = a.experts?.count ?? 0
        rotaryHalves = a.rotaries.map(\.half)
        self.dtype = dtype
        hasLogitSoftCap = a.logitSoftCap != nil
        hasPostNorms = a.normPlacement == .beforeAndAfter || a.normPlacement == .after
        fusedRow = a.interleavesQKV ? qkv : 0
    }

    /// Columns of the widest input of a linear layer.
    var widestInput: Int { max(hidden, query, inner) }

    /// Bytes of a `Workspace`, without what low-rank products grow to.
    var bytes: Int {
        let perRow =
            7 * hidden + qkv + query + rawHeads + 3 * inner + (isTraining ? heads : 0)
            + 2 * rotaryHalves.reduce(0, +) + (experts > 0 ? experts + 2 * hidden : 0)
        return 4 * (rows * perRow + logitRows * (vocabulary + hidden) + fusedRow) + inputBytes
    }

    private var inputBytes: Int {
        let blocks = rows * ((widestInput + 63) / 64)
        switch dtype {
        case .fp32: return 0
        case .bf16: return 4 * rows * widestInput
        case .int8: return blocks * 132
        }
    }

    /// Numbers that `KeptActivations` keeps of a row.
    var keptPerRow: Int {
        qkv + rawHeads + heads + query + hidden + 2 * inner + (hasPostNorms ? 2 * hidden : 0)
    }

    /// Bytes of a `BackwardWorkspace`.
    var backwardBytes: Int {
        let perRow =
            4 * hidden + qkv + query + 3 * inner + heads
            + (experts > 0 ? experts + hidden : 0)
        let logits = logitRows * (hidden + (hasLogitSoftCap ? vocabulary : 0))
        return 4 * (rows * perRow + logits + rawHeads)
    }
}
