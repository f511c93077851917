/// The activations of one forward pass, allocated once and reused: a step allocates nothing.
///
/// Owned by one thread. After a block's forward it holds everything that block's backward needs.
public final class Workspace {
    /// What the workspace is for.
    public enum Purpose: Sendable {
        /// Forward only.
        case serving
        /// Keeps what gradients need.
        case training
    }

    /// Rows of a batch, and rows with logits, at most.
    public let maxRows: Int, maxLogitRows: Int
    /// Logits [logit rows, vocabulary] of the last forward pass.
    public var logits: UnsafeMutableBufferPointer<Float> { logitMemory.elements }
    /// Numbers in one row of logits.
    public let vocabularySize: Int

    let sizes: WorkspaceSizes

    // The block being computed.

    /// The residual stream [rows, hidden]: a block's input, then its output.
    let hidden: AlignedBuffer<Float>
    /// The residual stream between attention and MLP [rows, hidden].
    let middle: AlignedBuffer<Float>
    /// The normalised input of attention [rows, hidden].
    let attentionIn: AlignedBuffer<Float>
    /// What attention adds to the stream, before its second norm [rows, hidden].
    let attentionOut: AlignedBuffer<Float>
    /// The normalised input of the MLP [rows, hidden].
    let mlpIn: AlignedBuffer<Float>
    /// What the MLP adds to the stream, before its second norm [rows, hidden].
    let mlpOut: AlignedBuffer<Float>
    /// What a second norm made of either [rows, hidden].
    let normed: AlignedBuffer<Float>
    /// Queries, keys and values side by side [rows, (heads + 2 kvHeads) × headDim].
    let qkv: AlignedBuffer<Float>
    /// The heads' weighted values [rows, heads × headDim].
    let attended: AlignedBuffer<Float>
    /// Gate and up side by side [rows, 2 × intermediate].
    let gateUp: AlignedBuffer<Float>
    /// act(gate) × up [rows, intermediate].
    let active: AlignedBuffer<Float>
    /// Queries and keys before the heads' norms [rows, (heads + kvHeads) × headDim]; in training of
    /// families that have such norms.
    let rawHeads: SharedBuffer?
    /// One row of q, k and v as a fused matrix orders it [width of `qkv`]; where that is by head.
    let fusedRow: AlignedBuffer<Float>
    /// Log-sum-exp of the attention scores [rows, heads]; in training.
    let logSumExp: SharedBuffer?

    // Mixtures of experts.

    /// Logits, then probabilities of the experts [rows, experts].
    let router: AlignedBuffer<Float>
    /// The rows one expert answers [at most rows, hidden].
    let expertIn: AlignedBuffer<Float>
    /// Its answers [at most rows, hidden].
    let expertOut: AlignedBuffer<Float>
    /// Which experts answer which rows.
    var routes = ExpertRoutes()

    // The head.

    /// The final normed stream of the rows that want logits [logit rows, hidden].
    let headIn: AlignedBuffer<Float>
    /// [logit rows, vocabulary].
    private let logitMemory: AlignedBuffer<Float>

    /// For each rotary embedding of the architecture, the sines and cosines of the batch's rows.
    let rotaries: [RotaryTable]
    /// The input of a linear layer in the form its kernel reads [rows or logit rows, widest input].
    let input: LinearInput
    /// The same for layers that compute in fp32 whatever the mode [rows, widest input].
    let exactInput: LinearInput
    /// The batch's sequences as attention reads them.
    var sequences: SequenceTable
    /// The low-rank products of the layer being computed.
    var tasks = LoRATaskList()
    /// The matrices of the layer being computed.
    var linearRun = LinearRun()
    /// Positions of a sequence's rows [rows].
    let positionMemory: AlignedBuffer<Int32>
    /// For each rotary embedding, the inverse frequencies that were computed last.
    var frequencyCache: [FrequencyCache]

    // These grow to the most one layer needs.
    private var lowRankMemory = AlignedBuffer<Float>(count: 0)  // A x of every task, end to end
    private var doraMemory = AlignedBuffer<Float>(count: 0)  // W x [rows, outputs]
    private var droppedMemory = AlignedBuffer<Float>(count: 0)  // x after dropout [rows, inputs]

    init(_ sizes: WorkspaceSizes) {
        self.sizes = sizes
        let rows = sizes.rows
        maxRows = rows
        maxLogitRows = sizes.logitRows
        vocabularySize = sizes.vocabulary
        hidden = AlignedBuffer(count: rows * sizes.hidden)
        middle = AlignedBuffer(count: rows * sizes.hidden)
        attentionIn = AlignedBuffer(count: rows * sizes.hidden)
        attentionOut = AlignedBuffer(count: rows * sizes.hidden)
        mlpIn = AlignedBuffer(count: rows * sizes.hidden)
        mlpOut = AlignedBuffer(count: rows * sizes.hidden)
        normed = AlignedBuffer(count: rows * sizes.hidden)
        qkv = AlignedBuffer(count: rows * sizes.qkv)
        attended = AlignedBuffer(count: rows * sizes.query)
        gateUp = AlignedBuffer(count: rows * 2 * sizes.inner)
        active = AlignedBuffer(count: rows * sizes.inner)
        rawHeads = sizes.rawHeads > 0 ? SharedBuffer(count: rows * sizes.rawHeads) : nil
        fusedRow = AlignedBuffer(count: sizes.fusedRow)
        logSumExp = sizes.isTraining ? SharedBuffer(count: rows * sizes.heads) : nil
        router = AlignedBuffer(count: rows * sizes.experts)
        expertIn = AlignedBuffer(count: sizes.experts > 0 ? rows * sizes.hidden : 0)
        expertOut = AlignedBuffer(count: sizes.experts > 0 ? rows * sizes.hidden : 0)
        headIn = AlignedBuffer(count: sizes.logitRows * sizes.hidden)
        logitMemory = AlignedBuffer(count: sizes.logitRows * sizes.vocabulary)
        rotaries = sizes.rotaryHalves.map { RotaryTable(rows: rows, half: $0) }
        input = LinearInput(
            maxRows: max(rows, sizes.logitRows),
            maxColumns: sizes.widestInput,
            dtype: sizes.dtype
        )
        exactInput = LinearInput(maxRows: rows, maxColumns: sizes.widestInput, dtype: .fp32)
        sequences = SequenceTable(capacity: rows)
        positionMemory = AlignedBuffer(count: rows)
        frequencyCache = sizes.rotaryHalves.map { _ in FrequencyCache() }
    }

    /// One row of the logits of the last forward pass.
    public func logits(row: Int) -> UnsafeMutableBufferPointer<Float> {
        precondition(row >= 0 && row < maxLogitRows, "a row of logits")
        return UnsafeMutableBufferPointer(
            start: logitMemory.baseAddress + row * vocabularySize,
            count: vocabularySize
        )
    }

    /// Scratch of low-rank products; grows to the most one layer needs.
    func lowRank(_ count: Int) -> UnsafeMutablePointer<Float> {
        if lowRankMemory.count < count { lowRankMemory = AlignedBuffer(count: count) }
        return lowRankMemory.baseAddress
    }

    /// Begins to collect what one run of the thread pool computes.
    func beginRun() {
        tasks.removeAll()
        linearRun.removeAll()
    }

    /// Computes what was collected.
    func run(_ input: LinearInput, _ context: ComputeContext) {
        let t = lowRank(tasks.lowRankCount)
        tasks.withTasks { linearRun.run(input, tasks: $0, lowRank: t, context) }
    }

    /// Scratch of DoRA.
    func doraBase(_ count: Int) -> UnsafeMutablePointer<Float> {
        if doraMemory.count < count { doraMemory = AlignedBuffer(count: count) }
        return doraMemory.baseAddress
    }

    /// Scratch of dropout.
    func dropped(_ count: Int) -> UnsafeMutablePointer<Float> {
        if droppedMemory.count < count { droppedMemory = AlignedBuffer(count: count) }
        return droppedMemory.baseAddress
    }
}

/// A buffer that may be absent, or kept in a list.
final class SharedBuffer {
    let memory: AlignedBuffer<Float>

    init(count: Int) { memory = AlignedBuffer(count: count) }

    var pointer: UnsafeMutablePointer<Float> { memory.baseAddress }
}

/// Sines and cosines of the rows of a batch.
final class RotaryTable {
    let half: Int
    /// Each [rows, half].
    let cosines: AlignedBuffer<Float>, sines: AlignedBuffer<Float>

    init(rows: Int, half: Int) {
        self.half = half
        cosines = AlignedBuffer(count: rows * half)
        sines = AlignedBuffer(count: rows * half)
    }
}
