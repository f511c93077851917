package import InferenceRuntime

/// What is trained together and never split: one example, a pair of answers, a group.
package struct TrainingUnit: Sendable, Hashable {
    /// The token sequences; their order means something to the objective.
    package let sequences: [EncodedExample]
    /// The line of the file it comes from.
    package let line: Int
    /// What the data says of the unit, in the objective's own terms; 0 where it says nothing.
    package let label: Int
    /// The log-probabilities of each sequence's targets to the reference model, where a method has
    /// one.
    package var reference: [[Float]]?
    /// Of a prompt for reinforcement: what its grader can ask for.
    package var item: JSONValue?
    /// Of an answer that the model gave: what was made of it.
    package var rollout: Rollout?

    package init(_ sequences: [EncodedExample], line: Int, label: Int = 0) {
        self.sequences = sequences
        self.line = line
        self.label = label
    }

    /// Tokens of all sequences.
    var tokens: Int { sequences.reduce(0) { $0 + $1.tokens.count } }
    /// Tokens with a loss.
    var trainedTokens: Int { sequences.reduce(0) { $0 + $1.trainedTokens } }
    /// Σ of the weights of all tokens.
    var weight: Double {
        sequences.reduce(0) { sum, sequence in
            sum + sequence.weights.reduce(0) { $0 + Double($1) }
        }
    }
}

/// What reinforcement knows of an answer beside its tokens.
package struct Rollout: Sendable, Hashable {
    /// How much better it is than the others of its group.
    package let advantage: Double
    /// The log-probabilities of its tokens when it was drawn; `nil` where the model has not changed
    /// since.
    package var behavior: [Float]?
}

/// The units of a data set by number, wherever they are kept.
package protocol TrainingUnits: Sendable {
    /// The number of units.
    var count: Int { get }
    /// Tokens of one unit.
    func tokens(of index: Int) throws(FileSystemError) -> Int
    /// One unit.
    /// - Throws: `FileSystemError` where it cannot be read back.
    func unit(_ index: Int) throws(FileSystemError) -> TrainingUnit
}

extension Array: TrainingUnits where Element == TrainingUnit {
    package func tokens(of index: Int) -> Int { self[index].tokens }
    package func unit(_ index: Int) -> TrainingUnit { self[index] }
}

/// Some units of a data set, in an order of their own.
struct ChosenUnits: TrainingUnits {
    let all: any TrainingUnits
    let indices: [UInt32]

    var count: Int { indices.count }

    func tokens(of index: Int) throws(FileSystemError) -> Int {
        try all.tokens(of: Int(indices[index]))
    }

    func unit(_ index: Int) throws(FileSystemError) -> TrainingUnit {
        try all.unit(Int(indices[index]))
    }
}

/// Data sets one after the other.
struct JoinedUnits: TrainingUnits {
    let parts: [any TrainingUnits]

    var count: Int { parts.reduce(0) { $0 + $1.count } }

    func tokens(of index: Int) throws(FileSystemError) -> Int {
        let (part, place) = place(of: index)
        return try part.tokens(of: place)
    }

    func unit(_ index: Int) throws(FileSystemError) -> TrainingUnit {
        let (part, place) = place(of: index)
        return try part.unit(place)
    }

    private func place(of index: Int) -> (any TrainingUnits, Int) {
        var rest = index
        for part in parts {
            if rest < part.count { return (part, rest) }
            rest -= part.count
        }
        preconditionFailure("no unit \(index) of \(count)")
    }
}
