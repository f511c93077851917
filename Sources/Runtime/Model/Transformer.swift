import Synchronization

/// A decoder-only transformer: immutable weights and the passes over them.
///
/// Serving and training share one forward. A row's result does not depend on the rest of the batch,
/// on chunking, or on threads: every kernel keeps that promise, and layers never mix rows but
/// through the cache.
public final class Transformer: Sendable {
    /// What the model is.
    public let architecture: Architecture
    /// How its linear layers compute.
    public let compute: ComputeDType
    /// How its linear layers are held.
    public let base: BaseDType

    let embedding: DenseMatrix
    let blocks: [Block]
    let finalNorm: NormLayer
    let head: Linear
    /// Every weight's bytes, in loading order, for the hash of the base.
    let weights: WeightBytes
    private let hash = Mutex<String?>(nil)

    init(
        architecture: Architecture,
        compute: ComputeDType,
        base: BaseDType,
        embedding: DenseMatrix,
        blocks: [Block],
        finalNorm: NormLayer,
        head: Linear,
        weights: WeightBytes
    ) {
        self.architecture = architecture
        self.compute = compute
        self.base = base
        self.embedding = embedding
        self.blocks = blocks
        self.finalNorm = finalNorm
        self.head = head
        self.weights = weights
    }

    /// Hex SHA-256 of all weights as they lie in memory: what an adapter was made for.
    ///
    /// Computed when first asked for, at about a second per gigabyte.
    public var baseHash: String {
        hash.withLock { hash in
            if let hash { return hash }
            let made = weights.hash()
            hash = made
            return made
        }
    }

    /// Spares computing `baseHash` where it was computed from the same packed weights before.
    func setKnownHash(_ known: String) {
        hash.withLock { $0 = known }
    }

    /// Bytes of the weights.
    public var weightBytes: Int { weights.count }

    /// Memory for passes over up to `maxRows` rows, up to `maxLogitRows` of them with logits.
    public func makeWorkspace(
        maxRows: Int,
        maxLogitRows: Int,
        purpose: Workspace.Purpose = .serving
    ) -> Workspace {
        Workspace(sizes(maxRows, maxLogitRows, purpose))
    }

    /// Bytes `makeWorkspace` allocates.
    public func workspaceBytes(
        maxRows: Int,
        maxLogitRows: Int,
        purpose: Workspace.Purpose = .serving
    ) -> Int {
        sizes(maxRows, maxLogitRows, purpose).bytes
    }

    /// Memory for the backward passes that go with a training workspace.
    public func makeBackwardWorkspace(maxRows: Int, maxLogitRows: Int) -> BackwardWorkspace {
        BackwardWorkspace(sizes(maxRows, maxLogitRows, .training))
    }

    /// Bytes `makeBackwardWorkspace` allocates.
    public func backwardWorkspaceBytes(maxRows: Int, maxLogitRows: Int) -> Int {
        sizes(maxRows, maxLogitRows, .training).backwardBytes
    }

    /// Memory for what a forward pass leaves for its backward pass.
    /// - Parameter activationBytes: What may go into activations that are then not computed again.
    public func makeTape(maxRows: Int, activationBytes: Int = 0) -> Tape {
        let sizes = sizes(maxRows, 1, .training)
        var left = activationBytes / (4 * sizes.rows * sizes.keptPerRow)
        // A mixture's activations depend on where its rows went.
        let keeping = architecture.layers.map { layer in
            guard !layer.isSparse, left > 0 else { return false }
            left -= 1
            return true
        }
        return Tape(sizes, keeping: keeping)
    }

    /// Bytes `makeTape` allocates, without activations.
    public func tapeBytes(maxRows: Int) -> Int {
        4 * (blocks.count + 1) * maxRows * architecture.hiddenSize
    }

    /// A cache with a number of blocks in the format this model computes in.
    public func makeCache(blocks: Int) -> KVBlockPool {
        KVBlockPool(
            layers: architecture.layers.count,
            kvHeads: architecture.kvHeads,
            headDim: architecture.headDim,
            blocks: blocks,
            format: KVFormat(compute)
        )
    }

    /// Bytes of one block of such a cache.
    public var cacheBytesPerBlock: Int {
        KVBlockPool.bytesPerBlock(
            layers: architecture.layers.count,
            kvHeads: architecture.kvHeads,
            headDim: architecture.headDim,
            format: KVFormat(compute)
        )
    }

    private func sizes(
        _ maxRows: Int,
        _ maxLogitRows: Int,
        _ purpose: Workspace.Purpose
    ) -> WorkspaceSizes {
        WorkspaceSizes(
            architecture,
            maxRows: maxRows,
            maxLogitRows: maxLogitRows,
            dtype: compute,
            purpose: purpose
        )
    }
}
