package import InferenceRuntime

/// The memory of training passes: sized from the longest example, known before it is taken.
// Owner: the engine's thread, in the training body.
package final class TrainingWorkspace: @unchecked Sendable {
    /// Tokens of a pass at most.
    let maxRows: Int
    let activations: Workspace
    let gradients: BackwardWorkspace
    let tape: Tape
    let cache: KVBlockPool

    /// Tokens a pass takes where the examples are shorter: enough to use every decoded tile well.
    static let preferredRows = 1024
    /// Rows of logits at a time; the loss goes over the rest in tiles of this height.
    static let logitRows = 64

    /// - Parameter limit: Bytes it may take; what is left of them keeps activations, at most as
    ///   much as the model takes or 512 MiB, and half of what the machine has free.
    package init(model: Transformer, longest: Int, limit: Int) {
        maxRows = Self.rows(longest: longest)
        activations = model.makeWorkspace(
            maxRows: maxRows,
            maxLogitRows: Self.logitRows,
            purpose: .training
        )
        gradients = model.makeBackwardWorkspace(maxRows: maxRows, maxLogitRows: Self.logitRows)
        let left =
            min(limit, MachineMemory.available / 2) - Self.bytes(model: model, longest: longest)
        tape = model.makeTape(
            maxRows: maxRows,
            activationBytes: min(max(left, 0), max(model.weightBytes, 512 << 20))
        )
        cache = model.makeCache(blocks: Self.blocks(maxRows))
    }

    /// The least `init` takes, in bytes.
    static func bytes(model: Transformer, longest: Int) -> Int {
        let rows = rows(longest: longest)
        return model.workspaceBytes(maxRows: rows, maxLogitRows: logitRows, purpose: .training)
            + model.backwardWorkspaceBytes(maxRows: rows, maxLogitRows: logitRows)
            + model.tapeBytes(maxRows: rows)
            + blocks(rows) * model.cacheBytesPerBlock
    }

    /// Parts of some sequences, in order, each no larger than a pass.
    func fitting(_ sequences: [LabelledExample]) -> [[LabelledExample]] {
        var parts: [[LabelledExample]] = []
        var (rows, blocks) = (0, 0)
        for sequence in sequences {
            let own = Self.cacheBlocks(of: sequence.example.tokens.count)
            let fits =
                rows + sequence.example.tokens.count <= maxRows && blocks + own <= cache.blocks
            if !fits || parts.isEmpty {
                parts.append([])
                (rows, blocks) = (0, 0)
            }
            parts[parts.count - 1].append(sequence)
            rows += sequence.example.tokens.count
            blocks += own
        }
        return parts
    }

    private static func rows(longest: Int) -> Int { max(longest, preferredRows) }

    /// Cache blocks of a sequence: it begins a block of its own.
    static func cacheBlocks(of tokens: Int) -> Int {
        (tokens + KVBlockPool.blockTokens - 1) / KVBlockPool.blockTokens
    }

    /// Twice what full blocks would take: short examples leave theirs half empty.
    private static func blocks(_ rows: Int) -> Int { 2 * cacheBlocks(of: rows) }
}
