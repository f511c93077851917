import Storage
package import InferenceRuntime

/// The memory of training passes: sized from the longest example, known before it is taken.
///
/// Owner: the engine's thread, in the training body.
package final class TrainingWorkspace: @unchecked Sendable {
    /// Tokens of a pass at most.
    let maxRows: Int
    let activations: Workspace
    let gradients: BackwardWorkspace
    let tape: Tape
    let cache: KVBlockPool
    /// What was reserved for the run, given back with the workspace.
    private let reservation: MemoryReservation?

    /// Tokens a pass takes where the examples are shorter: enough to use every decoded tile well.
    static let preferredRows = 1024
    /// Rows of logits at a time; the loss goes over the rest in tiles of this height.
    static let logitRows = 64

    /// - Parameter limit: Bytes it may take; what is left of them keeps activations, at most as
    ///   much as the model takes or 512 MiB, and half of what the machine has free.
    package init(
        model: Transformer,
        longest: Int,
        limit: Int,
        reservation: MemoryReservation? = nil
    ) {
        self.reservation = reservation
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

    /// Parts of some units, in order, each no larger than a pass; no unit is divided.
    func fitting(_ units: [TrainingUnit]) -> [[TrainingUnit]] {
        var parts: [[TrainingUnit]] = []
        var room = Room(self)
        for unit in units {
            if !room.takes(unit) || parts.isEmpty {
                parts.append([])
                room = Room(self)
                room.take(unit)
            }
            parts[parts.count - 1].append(unit)
        }
        return parts
    }

    /// The units from `first` on that fit into one pass, read one by one.
    func fitting(
        _ units: any TrainingUnits,
        from first: Int
    ) throws(FileSystemError) -> [TrainingUnit] {
        var part: [TrainingUnit] = []
        var room = Room(self)
        for index in first..<units.count {
            let unit = try units.unit(index)
            guard room.takes(unit) || part.isEmpty else { break }
            part.append(unit)
        }
        return part
    }

    /// What is left of a pass.
    private struct Room {
        private var rows: Int
        private var blocks: Int

        init(_ workspace: TrainingWorkspace) {
            (rows, blocks) = (workspace.maxRows, workspace.cache.blocks)
        }

        /// Takes a unit's place if there is enough.
        mutating func takes(_ unit: TrainingUnit) -> Bool {
            let own = Self.blocks(unit)
            guard unit.tokens <= rows, own <= blocks else { return false }
            take(unit)
            return true
        }

        mutating func take(_ unit: TrainingUnit) {
            rows -= unit.tokens
            blocks -= Self.blocks(unit)
        }

        private static func blocks(_ unit: TrainingUnit) -> Int {
            unit.sequences.reduce(0) { $0 + TrainingWorkspace.cacheBlocks(of: $1.tokens.count) }
        }
    }

    private static func rows(longest: Int) -> Int { max(longest, preferredRows) }

    /// Cache blocks of a sequence: it begins a block of its own.
    static func cacheBlocks(of tokens: Int) -> Int {
        (tokens + KVBlockPool.blockTokens - 1) / KVBlockPool.blockTokens
    }

    /// Twice what full blocks would take: short examples leave theirs half empty.
    private static func blocks(_ rows: Int) -> Int { 2 * cacheBlocks(of: rows) }
}
