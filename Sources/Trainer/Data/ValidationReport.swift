/// What checking a training file told.
public struct ValidationReport: Sendable, Hashable {
    /// The format of the examples.
    public var shape: ExampleShape?
    /// All examples.
    public var examples = 0
    /// Examples that say exactly what an earlier one says.
    public var duplicates = 0
    /// Examples in which nothing can be learned.
    public var empty = 0
    /// Examples longer than the cut-off, where token counts were asked for.
    public var overLong = 0
    /// Tokens of all examples, where token counts were asked for.
    public var tokens = 0
    /// Tokens learned, where token counts were asked for.
    public var trainedTokens = 0

    /// Sentences for people: one for each count that is not what one would wish.
    public var notes: [String] {
        var notes: [String] = []
        func note(_ count: Int, _ what: String) {
            if count > 0 { notes.append("\(count) of \(examples) examples \(what).") }
        }
        note(duplicates, "repeat an earlier one")
        note(empty, "have nothing to learn and are left out")
        note(overLong, "are longer than the cut-off and are cut")
        return notes
    }

    /// Reads a whole file and checks every example.
    /// - Parameters:
    ///   - path: where the file lies.
    ///   - name: the name its author gave it.
    ///   - encoder: counts tokens and checks that every example can be encoded; `nil` to check the
    ///     file alone, as at upload.
    /// - Throws: `TrainingFileError` for the first example that is wrong, or a file without any.
    public static func validate(
        path: String,
        name: String,
        encoder: ExampleEncoder?
    ) throws(TrainingFileError) -> ValidationReport {
        let reader = try TrainingFileReader(path: path, name: name)
        var report = ValidationReport()
        var seen = DuplicateFinder()
        while let example = try reader.next() {
            report.examples += 1
            if seen.hasSeen(example.content) { report.duplicates += 1 }
            if example.isEmpty {
                report.empty += 1
            } else if let encoder {
                let encoded = try encoder.encode(example)
                report.tokens += encoded.tokens.count
                report.trainedTokens += encoded.trainedTokens
                if encoded.isCut { report.overLong += 1 }
            }
        }
        report.shape = reader.shape
        guard report.examples > 0 else {
            throw TrainingFileError(line: nil, reason: "the file has no examples")
        }
        guard report.empty < report.examples else {
            throw TrainingFileError(line: nil, reason: "no example has anything to learn")
        }
        guard encoder == nil || report.trainedTokens > 0 else {
            throw TrainingFileError(
                line: nil,
                reason: "no example has a trained token within the cut-off"
            )
        }
        return report
    }
}

/// Counts exact repetitions by 64-bit hashes, for a bounded number of examples.
private struct DuplicateFinder {
    /// 32 MB of hashes; what comes after is not compared.
    private static let capacity = 4_000_000
    private var hashes: Set<Int> = []

    mutating func hasSeen(_ content: TrainingExample.Content) -> Bool {
        let hash = content.hashValue
        if hashes.contains(hash) { return true }
        if hashes.count < Self.capacity { hashes.insert(hash) }
        return false
    }
}
