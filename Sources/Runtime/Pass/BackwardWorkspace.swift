/// The gradients of one backward pass, allocated once and reused.
public final class BackwardWorkspace {
    // Each field is the gradient of the loss with respect to what it is named after.

    /// The residual stream [rows, hidden].
    let hidden: Scratch
    /// What a half of a block adds to the stream [rows, hidden].
    let added: AlignedBuffer<Float>
    /// The same before its second norm [rows, hidden].
    let addedBeforeNorm: Scratch
    /// The normalised input of a half [rows, hidden].
    let normed: Scratch
    /// Queries, keys and values side by side [rows, (heads + 2 kvHeads) × headDim].
    let qkv: AlignedBuffer<Float>
    /// The heads' weighted values [rows, heads × headDim].
    let attended: Scratch
    /// Scratch of attention's backward pass: Σ out × d out of every head [rows, heads].
    let delta: AlignedBuffer<Float>
    /// Queries and keys of one row before the heads' norms [(heads + kvHeads) × headDim].
    let heads: Scratch
    /// Gate and up side by side [rows, 2 × intermediate].
    let gateUp: AlignedBuffer<Float>
    /// act(gate) × up [rows, intermediate].
    let active: Scratch
    /// The router's logits [rows, experts].
    let router: Scratch
    /// An expert's input [at most rows, hidden].
    let expert: Scratch
    /// The head's input [logit rows, hidden].
    let headIn: Scratch
    /// The logits themselves after capping [logit rows, vocabulary], where a family caps them.
    let logits: AlignedBuffer<Float>
    /// The loss at every target of a tile [logit rows].
    let losses: AlignedBuffer<Float>
    /// Whether its token was the likeliest [logit rows].
    let correct: AlignedBuffer<UInt8>

    private var branchMemory = AlignedBuffer<Float>(count: 0)
    private var scaledMemory = AlignedBuffer<Float>(count: 0)

    init(_ sizes: WorkspaceSizes) {
        let rows = sizes.rows
        hidden = Scratch(rows * sizes.hidden)
        added = AlignedBuffer(count: rows * sizes.hidden)
        addedBeforeNorm = Scratch(rows * sizes.hidden)
        normed = Scratch(rows * sizes.hidden)
        qkv = AlignedBuffer(count: rows * sizes.qkv)
        attended = Scratch(rows * sizes.query)
        delta = AlignedBuffer(count: rows * sizes.heads)
        heads = Scratch(sizes.rawHeads)
        gateUp = AlignedBuffer(count: rows * 2 * sizes.inner)
        active = Scratch(rows * sizes.inner)
        router = Scratch(rows * sizes.experts)
        expert = Scratch(sizes.experts > 0 ? rows * sizes.hidden : 0)
        headIn = Scratch(sizes.logitRows * sizes.hidden)
        logits = AlignedBuffer(
            count: sizes.hasLogitSoftCap ? sizes.logitRows * sizes.vocabulary : 0
        )
        losses = AlignedBuffer(count: sizes.logitRows)
        correct = AlignedBuffer(count: sizes.logitRows)
    }

    /// Zeroed scratch for the gradient behind dropout.
    func branch(_ count: Int) -> UnsafeMutablePointer<Float> {
        if branchMemory.count < count { branchMemory = AlignedBuffer(count: count) }
        branchMemory.baseAddress.update(repeating: 0, count: count)
        return branchMemory.baseAddress
    }

    /// Scratch for gradients times DoRA's factors.
    func scaled(_ count: Int) -> UnsafeMutablePointer<Float> {
        if scaledMemory.count < count { scaledMemory = AlignedBuffer(count: count) }
        return scaledMemory.baseAddress
    }
}

/// A buffer gradients are summed into.
struct Scratch: ~Copyable {
    let memory: AlignedBuffer<Float>

    init(_ count: Int) { memory = AlignedBuffer(count: count) }

    var pointer: UnsafeMutablePointer<Float> { memory.baseAddress }

    /// The first `count` numbers, set to zero.
    func cleared(_ count: Int) -> UnsafeMutablePointer<Float> {
        precondition(count <= memory.count, "a batch within its workspace")
        memory.baseAddress.update(repeating: 0, count: count)
        return memory.baseAddress
    }
}
