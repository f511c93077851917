import InferenceRuntime

/// The memory of training passes: sized from the longest example, known before it is taken.
// Only the training body on the engine's thread touches it.
final class TrainingWorkspace: @unchecked Sendable {
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

    init(model: Transformer, longest: Int) {
        maxRows = Self.rows(longest: longest)
        activations = model.makeWorkspace(
            maxRows: maxRows,
            maxLogitRows: Self.logitRows,
            purpose: .training
        )
        gradients = model.makeBackwardWorkspace(maxRows: maxRows, maxLogitRows: Self.logitRows)
        tape = model.makeTape(maxRows: maxRows)
        cache = model.makeCache(blocks: Self.blocks(maxRows))
    }

    /// What `init` will take, in bytes.
    static func bytes(model: Transformer, longest: Int) -> Int {
        let rows = rows(longest: longest)
        return model.workspaceBytes(maxRows: rows, maxLogitRows: logitRows, purpose: .training)
            + model.backwardWorkspaceBytes(maxRows: rows, maxLogitRows: logitRows)
            + model.tapeBytes(maxRows: rows)
            + blocks(rows) * model.cacheBytesPerBlock
    }

    /// Parts of some sequences, in order, each no larger than a pass.
    func fitting(_ sequences: [TrainingSequence]) -> [[TrainingSequence]] {
        var parts: [[TrainingSequence]] = []
        var rows = 0
        for sequence in sequences {
            let full = rows + sequence.tokens.count > maxRows
            if full || parts.isEmpty {
                parts.append([])
                rows = 0
            }
            parts[parts.count - 1].append(sequence)
            rows += sequence.tokens.count
        }
        return parts
    }

    private static func rows(longest: Int) -> Int { max(longest, preferredRows) }

    /// A sequence begins a block of its own, so in the worst case every token does.
    private static func blocks(_ rows: Int) -> Int { rows / 2 + 1 }
}
