/// A safetensors file, mapped and checked as a whole before anything is read from it.
///
/// Eight bytes of little-endian header length, a JSON header, then the data. The rules are those of
/// the reference implementation: the header is at most 100 MB and begins with `{`, no name occurs
/// twice, every tensor's bytes are exactly what its type and shape say, and the tensors cover the
/// data without overlap, gap or rest.
public final class SafetensorsFile: Sendable {
    /// The longest header the format allows.
    public static let maximumHeaderBytes = 100_000_000

    /// The tensors in the order of their data.
    public let tensors: [Tensor]
    /// The free-form strings under `__metadata__`.
    public let metadata: [String: String]
    /// The mapped file.
    public let file: MemoryMappedFile

    private let indices: [TensorName: Int]

    /// Maps and checks a file.
    public convenience init(path: String) throws(CheckpointError) {
        try self.init(MemoryMappedFile(path: path))
    }

    /// Checks a mapped file.
    public init(_ file: MemoryMappedFile) throws(CheckpointError) {
        let (header, data) = try Self.split(file)
        let root: JSONValue
        do throws(JSONError) {
            root = try JSONValue(parsing: header, maximumDepth: 8)
        } catch {
            throw .malformed(path: file.path, reason: "header: \(error)")
        }
        guard case .object(let object) = root else {
            throw .malformed(path: file.path, reason: "the header is no object")
        }
        if let twice = object.firstDuplicateKey {
            throw .malformed(path: file.path, reason: "\(quoted(twice)) appears twice")
        }
        var tensors: [Tensor] = []
        var metadata: [String: String] = [:]
        tensors.reserveCapacity(object.members.count)
        for (name, value) in object.members {
            if name == "__metadata__" {
                metadata = try Self.metadata(value, path: file.path)
            } else {
                tensors.append(try TensorEntry(value, name, file).tensor(in: data, file))
            }
        }
        tensors.sort { Self.start($0, data) < Self.start($1, data) }
        try Self.checkCover(tensors, data: data, path: file.path)
        self.tensors = tensors
        self.metadata = metadata
        self.file = file
        indices = Dictionary(
            uniqueKeysWithValues: tensors.indices.map { (TensorName(tensors[$0].name), $0) }
        )
    }

    /// The tensor of a name; names compare byte by byte.
    public subscript(name: String) -> Tensor? {
        indices[TensorName(name)].map { tensors[$0] }
    }

    private static func split(
        _ file: MemoryMappedFile
    ) throws(CheckpointError) -> (header: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer) {
        let bytes = file.bytes
        guard bytes.count >= 8 else {
            throw .malformed(path: file.path, reason: "\(bytes.count) bytes hold no header")
        }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(maximumHeaderBytes) else {
            throw .malformed(path: file.path, reason: "a header of \(length) bytes is too long")
        }
        guard length <= UInt64(bytes.count - 8) else {
            throw .malformed(
                path: file.path,
                reason: "a header of \(length) bytes in a file of \(bytes.count)"
            )
        }
        let end = 8 + Int(length)
        guard end > 8, bytes[8] == UInt8(ascii: "{") else {
            throw .malformed(path: file.path, reason: "the header does not begin with {")
        }
        return (
            UnsafeRawBufferPointer(rebasing: bytes[8..<end]),
            UnsafeRawBufferPointer(rebasing: bytes[end...])
        )
    }

    private static func metadata(
        _ value: JSONValue,
        path: String
    ) throws(CheckpointError) -> [String: String] {
        guard case .object(let object) = value else {
            throw .malformed(path: path, reason: "__metadata__ is no object")
        }
        var result: [String: String] = [:]
        for (key, value) in object.members {
            guard let text = value.string else {
                throw .malformed(path: path, reason: "__metadata__ holds more than strings")
            }
            result[key] = text
        }
        return result
    }

    private static func start(_ tensor: Tensor, _ data: UnsafeRawBufferPointer) -> (Int, Int) {
        guard let base = data.baseAddress, let start = tensor.bytes.baseAddress else {
            return (0, 0)
        }
        return (start - base, tensor.bytes.count)
    }

    /// Tensors follow each other to the last byte: nothing shared, nothing hidden between them.
    private static func checkCover(
        _ tensors: [Tensor],
        data: UnsafeRawBufferPointer,
        path: String
    ) throws(CheckpointError) {
        var end = 0
        for tensor in tensors {
            let begin = start(tensor, data).0
            guard begin == end || tensor.bytes.isEmpty else {
                let problem = begin < end ? "overlaps the one before" : "leaves a gap before it"
                throw .malformed(path: path, reason: "\(quoted(tensor.name)) \(problem)")
            }
            end += tensor.bytes.count
        }
        guard end == data.count else {
            throw .malformed(path: path, reason: "\(data.count - end) bytes belong to no tensor")
        }
    }
}

/// A name compared by its UTF-8 bytes, where `String` would join canonically equivalent ones.
struct TensorName: Hashable {
    let bytes: [UInt8]

    init(_ name: String) { bytes = Array(name.utf8) }
}

/// A name from outside, shortened and escaped for a message.
func quoted(_ name: String) -> String {
    let shown = name.unicodeScalars.prefix(120).map { scalar in
        scalar.isASCII ? scalar.escaped(asASCII: true) : String(scalar)
    }
    return "\"" + shown.joined() + (name.unicodeScalars.count > 120 ? "…" : "") + "\""
}
