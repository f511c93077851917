/// What a forward pass leaves for its backward pass: every block's input, and the final stream; of
/// some blocks, all that gradients need.
///
/// Of the others that is computed again, by the same code: the bits are the same.
public final class Tape {
    /// Rows of a batch at most.
    public let maxRows: Int
    /// The batch of the last forward pass.
    public internal(set) var batch = Batch()
    /// The options of the last forward pass, with which its backward pass computes again.
    public internal(set) var options = PassOptions()

    private let hidden: Int
    private let inputs: AlignedBuffer<Float>
    private let kept: [KeptActivations?]

    /// - Parameter keeping: For each block, whether its activations are kept.
    init(_ sizes: WorkspaceSizes, keeping: [Bool]) {
        maxRows = sizes.rows
        hidden = sizes.hidden
        inputs = AlignedBuffer(count: (keeping.count + 1) * maxRows * hidden)
        kept = keeping.map { $0 ? KeptActivations(sizes) : nil }
    }

    /// Keeps what a block left in the workspace, if there is room for this block's.
    func keep(_ layer: Int, _ workspace: Workspace, rows: Int) {
        if options.isForGradients { kept[layer]?.save(workspace, rows: rows) }
    }

    /// What was kept of a block.
    func kept(_ layer: Int) -> KeptActivations? { kept[layer] }

    /// The input of a block [rows, hidden]; with the number of blocks, the last one's output.
    func input(_ layer: Int) -> UnsafeMutablePointer<Float> {
        inputs.baseAddress + layer * maxRows * hidden
    }
}
