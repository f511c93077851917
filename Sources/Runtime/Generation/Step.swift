/// A sequence of the scheduler: one choice of one request.
package struct SequenceID: Hashable, Sendable {
    let slot: Int
    let generation: Int  // slots are used again
}

/// What the engine computes next: the scheduler's decision, nothing else.
///
/// Parts of one adapter mix are adjacent, so that they are one LoRA segment.
package struct Step {
    /// Rows of one sequence: one row of a decoding one, a chunk of one whose prompt is read.
    package struct Part: Hashable {
        package let sequence: SequenceID
        /// Position of the first row.
        package let start: Int
        /// Rows.
        package let count: Int
        /// Position of the first row whose logits are wanted; `end` for none.
        package let logitsFrom: Int
        /// Which mix, as a number that orders.
        package let mix: Int

        /// The position after the last row.
        package var end: Int { start + count }
        /// Rows with logits.
        package var logitRows: Int { end - logitsFrom }

        /// The part without its last rows.
        func dropping(last rows: Int) -> Part {
            Part(
                sequence: sequence,
                start: start,
                count: count - rows,
                logitsFrom: min(logitsFrom, end - rows),
                mix: mix
            )
        }
    }

    /// A block to copy before the rows are computed.
    package struct Copy: Hashable {
        package let source: Int32
        package let target: Int32
    }

    package internal(set) var parts: [Part] = []
    package internal(set) var copies: [Copy] = []

    package init() {}

    /// Whether there is nothing to do.
    package var isEmpty: Bool { parts.isEmpty }
    /// Rows of all parts.
    package var rows: Int { parts.reduce(0) { $0 + $1.count } }
    /// Rows with logits of all parts.
    package var logitRows: Int { parts.reduce(0) { $0 + $1.logitRows } }

    mutating func clear() {
        parts.removeAll(keepingCapacity: true)
        copies.removeAll(keepingCapacity: true)
    }

    /// Adds a part behind those of its mix.
    ///
    /// Insertion keeps it free of allocations.
    mutating func insert(_ part: Part) {
        parts.append(part)
        var place = parts.count - 1
        while place > 0, parts[place - 1].mix > part.mix {
            parts.swapAt(place - 1, place)
            place -= 1
        }
    }
}
