import Glibc

/// Encoded examples in a working file, so that a large training file needs little memory.
///
/// Per example the memory holds an offset and a length; tokens and weights (8 bytes a token) lie in
/// the file, which is made anew whenever a job starts and is not kept. Reading is safe from any
/// thread.
public final class EncodedExampleStore: Sendable {
    /// Tokens of each example.
    public let lengths: [Int]
    /// Tokens with a loss, of all examples together.
    public let trainedTokens: Int
    /// Examples that were left out because nothing in them can be learned.
    public let leftOut: Int
    /// Examples that were cut.
    public let cut: Int
    private let offsets: [Int]
    private let descriptor: Int32

    private init(_ builder: Builder) {
        lengths = builder.lengths
        offsets = builder.offsets
        trainedTokens = builder.trainedTokens
        leftOut = builder.leftOut
        cut = builder.cut
        descriptor = builder.descriptor
    }

    deinit { close(descriptor) }

    /// The number of examples.
    public var count: Int { lengths.count }

    /// Reads and encodes a training file.
    /// - Parameter workingFile: a path to write to; the file is removed at once and its space is
    ///   given back when the store goes.
    /// - Throws: `TrainingFileError` for a wrong example, a full disk, or a file in which nothing
    ///   can be learned.
    public static func encode(
        path: String,
        name: String,
        encoder: ExampleEncoder,
        workingFile: String
    ) throws(TrainingFileError) -> EncodedExampleStore {
        let reader = try TrainingFileReader(path: path, name: name)
        var builder = try Builder(path: workingFile)
        var isBuilt = false
        defer { if !isBuilt { close(builder.descriptor) } }
        while let example = try reader.next() {
            for piece in try encoder.pieces(example) { try builder.append(piece) }
        }
        guard builder.trainedTokens > 0 else {
            throw TrainingFileError(
                line: nil,
                reason: "no example has a trained token within the cut-off"
            )
        }
        try builder.flush()
        isBuilt = true
        return EncodedExampleStore(builder)
    }

    /// One example.
    /// - Throws: `TrainingFileError` where the working file cannot be read.
    public func example(_ index: Int) throws(TrainingFileError) -> EncodedExample {
        let length = lengths[index]
        var words = [UInt32](repeating: 0, count: length * 2)
        let size = words.count * 4
        let offset = offsets[index]
        let isRead = words.withUnsafeMutableBytes { buffer -> Bool in
            guard let base = buffer.baseAddress else { return true }
            var done = 0
            while done < size {
                let count = pread(descriptor, base + done, size - done, off_t(offset + done))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                done += count
            }
            return true
        }
        guard isRead else {
            throw TrainingFileError(line: nil, reason: "the encoded examples cannot be read")
        }
        return EncodedExample(
            tokens: words[..<length].map { Int32(bitPattern: $0) },
            weights: words[length...].map { Float(bitPattern: $0) },
            fullLength: length
        )
    }

    /// Writes examples one after the other.
    private struct Builder {
        let descriptor: Int32
        var lengths: [Int] = []
        var offsets: [Int] = []
        var trainedTokens = 0
        var leftOut = 0
        var cut = 0
        private var size = 0
        private var buffer: [UInt32] = []

        init(path: String) throws(TrainingFileError) {
            descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else {
                let reason = String(cString: strerror(errno))
                throw TrainingFileError(line: nil, reason: "no working file: \(reason)")
            }
            unlink(path)
        }

        mutating func append(_ example: EncodedExample) throws(TrainingFileError) {
            let trained = example.trainedTokens
            guard trained > 0 else {
                leftOut += 1
                return
            }
            if example.fullLength > example.tokens.count { cut += 1 }
            trainedTokens += trained
            lengths.append(example.tokens.count)
            offsets.append(size)
            buffer += example.tokens.lazy.map { UInt32(bitPattern: $0) }
            buffer += example.weights.lazy.map(\.bitPattern)
            size += example.tokens.count * 8
            if buffer.count > 1 << 18 { try flush() }
        }

        mutating func flush() throws(TrainingFileError) {
            let failure = buffer.withUnsafeBytes { bytes -> Int32? in
                guard let base = bytes.baseAddress else { return nil }
                var done = 0
                while done < bytes.count {
                    let count = write(descriptor, base + done, bytes.count - done)
                    if count < 0, errno == EINTR { continue }
                    guard count > 0 else { return errno }
                    done += count
                }
                return nil
            }
            if let failure {
                let reason = String(cString: strerror(failure))
                throw TrainingFileError(
                    line: nil,
                    reason: "the encoded examples cannot be written: \(reason)"
                )
            }
            buffer.removeAll(keepingCapacity: true)
        }
    }
}
