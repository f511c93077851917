import Storage
import InferenceRuntime

/// Reads a training file once, from front to back, and writes its units into a store.
struct DatasetReader {
    /// Examples to tokens, with the serving template.
    let encoder: ExampleEncoder
    /// Rows of the model's embedding: a token at or beyond it cannot be learned.
    let vocabulary: Int

    /// What reading a file found.
    struct Found {
        var units: EncodedUnitStore
        /// SHA-256 of the file.
        var hash: String
        /// Sentences about what was left out and cut.
        var notes: [String]
    }

    /// Encodes a file; units without a trained token are left out.
    /// - Parameters:
    ///   - maximum: So many units at most, from the start of the file.
    ///   - path: Where the store's files go.
    /// - Throws: `TrainingFileError` for a wrong example or a file in which nothing can be learned,
    ///   `FileSystemError` where the store cannot be written.
    func read(_ file: TrainingFileLocation, maximum: Int?, into path: String) throws -> Found {
        let reader = try TrainingFileReader(file)
        let most = min(maximum ?? .max, TrainingData.maximumUnits)
        let counts = try copy(
            reader,
            most,
            after: encoder.options.method == .kto ? try last(of: file, most) : nil,
            to: EncodedUnitStore.Writer(path: path)
        )
        guard counts.kept > 0 else {
            throw TrainingFileError(
                line: nil,
                reason: encoder.options.method == .reinforcement
                    ? "no prompt leaves room for an answer within the cut-off"
                    : "no example has a trained token within the cut-off"
            )
        }
        return Found(
            units: try EncodedUnitStore(path: path, vocabulary: vocabulary),
            hash: try reader.hash(),
            notes: counts.notes
        )
    }

    private struct Counts {
        var read = 0
        var untrained = 0
        var cut = 0
        var overlong = 0
        var kept = 0

        var notes: [String] {
            var notes: [String] = []
            if untrained > 0 {
                notes.append(
                    "\(untrained) of \(read) examples have no trained token and are left out."
                )
            }
            if overlong > 0 {
                notes.append(
                    "\(overlong) of \(read) prompts leave no room for an answer within the cut-off "
                        + "and are left out."
                )
            }
            if cut > 0 {
                notes.append("\(cut) of \(read) examples are longer than the cut-off and are cut.")
            }
            return notes
        }
    }

    private func copy(
        _ reader: TrainingFileReader,
        _ maximum: Int,
        after previous: TrainingExample?,
        to writer: EncodedUnitStore.Writer
    ) throws -> Counts {
        var counts = Counts()
        var previous = previous
        while counts.kept < maximum, let example = try reader.next() {
            counts.read += 1
            for unit in try encoder.units(example, after: previous) where counts.kept < maximum {
                let isCut = unit.sequences.contains(where: \.isCut)
                guard isLearned(unit) else {
                    if isCut { counts.overlong += 1 } else { counts.untrained += 1 }
                    continue
                }
                if isCut { counts.cut += 1 }
                for sequence in unit.sequences { try check(sequence.tokens, line: example.line) }
                try writer.append(unit)
                counts.kept += 1
            }
            previous = example
        }
        try writer.finish()
        return counts
    }

    /// The last example that is read of a file: to the first it is the one before.
    private func last(
        of file: TrainingFileLocation,
        _ maximum: Int
    ) throws(TrainingFileError) -> TrainingExample? {
        let reader = try TrainingFileReader(file)
        var last: TrainingExample?
        var count = 0
        while count < maximum, let example = try reader.next() {
            last = example
            count += 1
        }
        return last
    }

    /// Whether every answer that the unit is to learn from has a token with a loss.
    private func isLearned(_ unit: TrainingUnit) -> Bool {
        switch encoder.options.method {
        case .supervised, .kto: unit.trainedTokens > 0
        case .dpo, .reward: unit.sequences.allSatisfy { $0.trainedTokens > 0 }
        // A prompt is never cut: its end asks the question.
        case .reinforcement: unit.sequences.allSatisfy { !$0.isCut }
        }
    }

    /// Refuses a token that the model has no row for.
    ///
    /// A tokenizer may know more tokens than the model, such as a padding token added afterwards.
    private func check(_ tokens: [Int32], line: Int) throws(TrainingFileError) {
        guard let id = tokens.first(where: { !(0..<Int32(clamping: vocabulary)).contains($0) })
        else { return }
        let text = encoder.token(of: id).map { "'\($0)'" } ?? "of the tokenizer"
        throw TrainingFileError(
            line: line,
            reason: "the token \(text) has the id \(id), but the model's embeddings end at "
                + "\(vocabulary - 1); take it out of the text, or use a base whose embeddings have "
                + "a row for it"
        )
    }
}
