package import InferenceRuntime
import Glibc

/// Encoded units in two files: records one after the other, and where each begins.
///
/// No unit is kept in memory. Each is read at its place when it is asked for, so the memory a run
/// needs does not grow with its data, and a damaged file is an error where a mapped one would be a
/// signal. Reading is safe from any thread.
///
/// A record is a line, a label, the number of sequences, and of each sequence its length, tokens
/// and weights: 32-bit words of this machine's order; where the unit has an item, the bytes of its
/// JSON follow, their number before them and filled up to whole words. The index has two 64-bit words a unit, offset
/// and tokens, and ends with the size of all records.
package final class EncodedUnitStore: TrainingUnits {
    /// The number of units.
    package let count: Int
    private let records: OpenFile
    private let index: OpenFile
    private let vocabulary: Int32

    private static let indexEntry = 16

    /// Opens the files that a `Writer` made.
    /// - Parameters:
    ///   - path: their common path without the endings.
    ///   - vocabulary: the model's embedding rows; every token is below.
    init(path: String, vocabulary: Int) throws(FileSystemError) {
        records = try OpenFile(path + Self.recordsEnding, flags: O_RDONLY)
        index = try OpenFile(path + Self.indexEnding, flags: O_RDONLY)
        count = max(0, try index.byteCount() / Self.indexEntry - 1)
        self.vocabulary = Int32(clamping: vocabulary)
    }

    static let recordsEnding = ".units"
    static let indexEnding = ".index"

    package func tokens(of place: Int) throws(FileSystemError) -> Int {
        try entries(place, 1)[1]
    }

    package func unit(_ place: Int) throws(FileSystemError) -> TrainingUnit {
        let entry = try entries(place, 2)
        let (start, end) = (entry[0], entry[2])
        guard start >= 0, end > start, (end - start) % 4 == 0 else { throw damaged }
        var words = Words(try records.read(exactly: end - start, at: start))
        guard let line = words.next(), let label = words.next(), let sequences = words.next(),
            sequences >= 0
        else { throw damaged }
        var examples: [EncodedExample] = []
        for _ in 0..<sequences {
            guard let length = words.next(), let tokens = words.take(Int(length)),
                let weights = words.take(Int(length)),
                tokens.allSatisfy({ (0..<vocabulary).contains($0) })
            else { throw damaged }
            examples.append(
                EncodedExample(
                    tokens: Array(tokens),
                    weights: weights.map { Float(bitPattern: UInt32(bitPattern: $0)) },
                    fullLength: Int(length)
                )
            )
        }
        var unit = TrainingUnit(examples, line: Int(line), label: Int(label))
        unit.item = try item(&words)
        return unit
    }

    private func item(_ words: inout Words) throws(FileSystemError) -> JSONValue? {
        guard let size = words.next() else { return nil }
        guard size >= 0, let packed = words.take((Int(size) + 3) / 4),
            let item = try? JSONValue(
                parsing: packed.withUnsafeBytes { Array($0.prefix(Int(size))) }
            )
        else { throw damaged }
        return item
    }

    private func entries(_ place: Int, _ number: Int) throws(FileSystemError) -> [Int] {
        precondition((0..<count).contains(place), "no unit \(place) of \(count)")
        let size = number * Self.indexEntry
        return try index.read(exactly: size, at: place * Self.indexEntry).withUnsafeBytes { bytes in
            (0..<number * 2).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int.self) }
        }
    }

    private var damaged: FileSystemError {
        FileSystemError(operation: "read", path: records.path, code: EBADMSG)
    }

    /// The words of a record, front to back.
    private struct Words {
        private var rest: ArraySlice<Int32>

        init(_ bytes: [UInt8]) {
            rest = bytes.withUnsafeBytes { Array($0.bindMemory(to: Int32.self)) }[...]
        }

        mutating func next() -> Int32? { rest.popFirst() }

        mutating func take(_ count: Int) -> ArraySlice<Int32>? {
            guard count >= 0, count <= rest.count else { return nil }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
    }

    /// Writes units one after the other.
    struct Writer {
        private let records: BufferedFile
        private let index: BufferedFile

        /// Makes both files anew.
        init(path: String) throws(FileSystemError) {
            records = try BufferedFile(path + EncodedUnitStore.recordsEnding)
            index = try BufferedFile(path + EncodedUnitStore.indexEnding)
        }

        /// Adds a unit.
        func append(_ unit: TrainingUnit) throws(FileSystemError) {
            try index.append([Int64(records.size), Int64(unit.tokens)])
            let head = [unit.line, unit.label, unit.sequences.count]
            try records.append(head.map { Int32(clamping: $0) })
            for sequence in unit.sequences {
                try records.append([Int32(clamping: sequence.tokens.count)])
                try records.append(sequence.tokens)
                try records.append(sequence.weights)
            }
            guard let item = unit.item else { return }
            let bytes = item.serializedBytes
            try records.append([Int32(clamping: bytes.count)])
            try records.append(bytes + Array(repeating: 0, count: -bytes.count & 3))
        }

        /// Writes what is still in memory; without it the files are not whole.
        func finish() throws(FileSystemError) {
            try index.append([Int64(records.size), 0])
            try index.flush()
            try records.flush()
        }
    }
}

/// A file written front to back through a buffer.
final class BufferedFile {
    private let file: OpenFile
    private var buffer: [UInt8] = []
    /// Bytes written so far.
    private(set) var size = 0

    private static let bufferBytes = 1 << 18

    init(_ path: String) throws(FileSystemError) {
        file = try OpenFile(path, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
    }

    func append<Element: BitwiseCopyable>(_ values: [Element]) throws(FileSystemError) {
        values.withUnsafeBytes { buffer += $0 }
        size += values.count * MemoryLayout<Element>.stride
        if buffer.count >= Self.bufferBytes { try flush() }
    }

    func flush() throws(FileSystemError) {
        try file.write(buffer)
        buffer.removeAll(keepingCapacity: true)
    }
}
