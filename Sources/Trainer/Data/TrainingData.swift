package import InferenceRuntime

/// The encoded data of a run, and what its sizes add up to.
package struct TrainingData: Sendable {
    /// What is learned from.
    package let training: any TrainingUnits
    /// What is measured on.
    package let validation: any TrainingUnits
    /// SHA-256 of the files, for lineage and for resuming.
    package let hash: String
    /// Sentences for the job's events.
    package let notes: [String]
    /// What one pass over the units found.
    let totals: Totals

    /// Sums over the units.
    struct Totals: Sendable, Hashable {
        /// Tokens of the largest unit.
        var longest = 1
        /// Tokens of the training units.
        var tokens = 0
        /// Tokens with a loss in the training units.
        var trainedTokens = 0
        /// SHA-256 of the tokens and weights of all sequences, training units first.
        var encodingHash = ""
    }

    /// Takes units, and reads each once for the totals.
    package init(
        training: any TrainingUnits,
        validation: any TrainingUnits,
        hash: String,
        notes: [String]
    ) throws(FileSystemError) {
        try self.init(
            training: training,
            validation: validation,
            hash: hash,
            notes: notes,
            totals: Self.totals(training, validation)
        )
    }

    init(
        training: any TrainingUnits,
        validation: any TrainingUnits,
        hash: String,
        notes: [String],
        totals: Totals
    ) {
        self.training = training
        self.validation = validation
        self.hash = hash
        self.notes = notes
        self.totals = totals
    }

    /// The largest data set, as many units as a place in an order can count.
    static let maximumUnits = Int(UInt32.max)

    private static func totals(
        _ training: any TrainingUnits,
        _ validation: any TrainingUnits
    ) throws(FileSystemError) -> Totals {
        var totals = Totals()
        var hash = SHA256()
        for (part, isTraining) in [(training, true), (validation, false)] {
            for index in 0..<part.count {
                let unit = try part.unit(index)
                totals.longest = max(totals.longest, unit.tokens)
                if isTraining {
                    totals.tokens += unit.tokens
                    totals.trainedTokens += unit.trainedTokens
                }
                for sequence in unit.sequences {
                    sequence.tokens.withUnsafeBytes { hash.update($0) }
                    sequence.weights.withUnsafeBytes { hash.update($0) }
                }
                if let item = unit.item { hash.update(item.serialized) }
            }
        }
        totals.encodingHash = Hex.text(hash.finalize())
        return totals
    }
}
