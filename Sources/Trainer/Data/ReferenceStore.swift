import Glibc
import InferenceRuntime
import Storage

/// The log-probabilities that a reference model gives a data set's targets, in two files: numbers
/// one after the other, and where each unit's begin.
///
/// They do not change while a run learns, so they are computed once. Reading is safe from any thread.
final class ReferenceStore: Sendable {
    /// The units they are of.
    let count: Int
    private let numbers: OpenFile
    private let index: OpenFile

    private static let (numbersEnding, indexEnding) = (".logps", ".logps-index")

    /// Opens the files that a `Writer` made.
    /// - Parameter path: their common path without the endings.
    init(path: String) throws(FileSystemError) {
        numbers = try OpenFile(path + Self.numbersEnding, flags: O_RDONLY)
        index = try OpenFile(path + Self.indexEnding, flags: O_RDONLY)
        count = max(0, try index.byteCount() / 8 - 1)
    }

    /// The log-probabilities of each sequence's targets.
    /// - Throws: `FileSystemError` where they are not as many as the unit has.
    func logProbabilities(
        of place: Int,
        _ unit: TrainingUnit
    ) throws(FileSystemError) -> [[Float]] {
        let ends = try index.read(exactly: 16, at: place * 8).withUnsafeBytes { bytes in
            (0..<2).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int.self) }
        }
        let counts = unit.sequences.map { TrainingUnit.targets(of: $0).count { _ in true } }
        guard ends[0] >= 0, ends[1] - ends[0] == 4 * counts.reduce(0, +) else { throw damaged }
        let all = try numbers.read(exactly: ends[1] - ends[0], at: ends[0]).withUnsafeBytes {
            Array($0.bindMemory(to: Float.self))
        }
        var first = 0
        return counts.map { count in
            defer { first += count }
            return Array(all[first..<first + count])
        }
    }

    private var damaged: FileSystemError {
        FileSystemError(operation: "read", path: numbers.path, code: EBADMSG)
    }

    /// Writes the units' numbers one after the other.
    struct Writer {
        private let numbers: BufferedFile
        private let index: BufferedFile

        /// Makes both files anew.
        init(path: String) throws(FileSystemError) {
            numbers = try BufferedFile(path + ReferenceStore.numbersEnding)
            index = try BufferedFile(path + ReferenceStore.indexEnding)
        }

        /// Adds the next unit.
        func append(_ logProbabilities: [Float]) throws(FileSystemError) {
            try index.append([Int64(numbers.size)])
            try numbers.append(logProbabilities)
        }

        /// Writes what is still in memory; without it the files are not whole.
        func finish() throws(FileSystemError) {
            try index.append([Int64(numbers.size)])
            try index.flush()
            try numbers.flush()
        }
    }
}

/// Units together with what the reference model says of them.
struct ReferencedUnits: TrainingUnits {
    let all: any TrainingUnits
    let store: ReferenceStore

    var count: Int { all.count }

    func tokens(of index: Int) throws(FileSystemError) -> Int { try all.tokens(of: index) }

    func unit(_ index: Int) throws(FileSystemError) -> TrainingUnit {
        var unit = try all.unit(index)
        unit.reference = try store.logProbabilities(of: index, unit)
        return unit
    }
}
