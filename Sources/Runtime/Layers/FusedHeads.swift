/// Rows of q, k and v that a fused matrix orders by key head: its queries, its key, its value, then
/// those of the next.
struct FusedHeads {
    private let heads: Int, kvHeads: Int, headDim: Int

    init(_ shape: Attention) {
        (heads, kvHeads, headDim) = (shape.heads, shape.kvHeads, shape.headDim)
    }

    private var width: Int { (heads + 2 * kvHeads) * headDim }

    /// As the matrix orders them → all of q, all of k, all of v; in place.
    func separate(_ x: UnsafeMutablePointer<Float>, rows: Int, _ workspace: Workspace) {
        let copy = workspace.fusedRow.baseAddress
        for row in 0..<rows {
            let x = x + row * width
            copy.update(from: x, count: width)
            forEachPart { fused, separate, count in
                (x + separate).update(from: copy + fused, count: count)
            }
        }
    }

    /// The way back.
    func join(_ x: UnsafeMutablePointer<Float>, rows: Int, _ workspace: Workspace) {
        let copy = workspace.fusedRow.baseAddress
        for row in 0..<rows {
            let x = x + row * width
            copy.update(from: x, count: width)
            forEachPart { fused, separate, count in
                (x + fused).update(from: copy + separate, count: count)
            }
        }
    }

    private func forEachPart(_ body: (_ fused: Int, _ separate: Int, _ count: Int) -> Void) {
        let queries = heads / kvHeads * headDim
        for head in 0..<kvHeads {
            let first = head * (queries + 2 * headDim)
            let (key, value) = (heads + head, heads + kvHeads + head)
            body(first, head * queries, queries)
            body(first + queries, key * headDim, headDim)
            body(first + queries + headDim, value * headDim, headDim)
        }
    }
}
