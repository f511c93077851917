/// What a block's forward leaves in the workspace and its backward reads, kept so that no product is
/// computed twice.
///
/// Norms and activations are not kept: computing them again costs next to nothing.
final class KeptActivations {
    private let memory: AlignedBuffer<Float>

    init(_ sizes: WorkspaceSizes) {
        memory = AlignedBuffer(count: sizes.rows * sizes.keptPerRow)
    }

    /// Keeps a number of rows of what the workspace holds.
    func save(_ workspace: Workspace, rows: Int) {
        forEachPart(of: workspace, rows) { place, part, count in
            place.update(from: part, count: count)
        }
    }

    /// Puts them back.
    func load(into workspace: Workspace, rows: Int) {
        forEachPart(of: workspace, rows) { place, part, count in
            part.update(from: place, count: count)
        }
    }

    private typealias Pointer = UnsafeMutablePointer<Float>

    private func forEachPart(
        of workspace: Workspace,
        _ rows: Int,
        _ body: (_ place: Pointer, _ part: Pointer, _ count: Int) -> Void
    ) {
        let sizes = workspace.sizes
        var place = memory.baseAddress
        func visit(_ part: Pointer?, _ width: Int) {
            guard let part else { return }
            body(place, part, rows * width)
            place += rows * width
        }
        visit(workspace.qkv.baseAddress, sizes.qkv)
        visit(workspace.rawHeads?.pointer, sizes.rawHeads)
        visit(workspace.logSumExp?.pointer, sizes.heads)
        visit(workspace.attended.baseAddress, sizes.query)
        visit(workspace.middle.baseAddress, sizes.hidden)
        visit(workspace.gateUp.baseAddress, 2 * sizes.inner)
        if sizes.hasPostNorms {
            visit(workspace.attentionOut.baseAddress, sizes.hidden)
            visit(workspace.mlpOut.baseAddress, sizes.hidden)
        }
    }
}
