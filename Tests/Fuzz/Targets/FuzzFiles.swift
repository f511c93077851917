@testable import API
@testable import AdapterStore
import Glibc
@testable import InferenceRuntime
@testable import Storage
@testable import Trainer

/// Archives, training data and keys.
enum FuzzFiles {
    private static let family = GGUFFamily(
        architecture: "llama",
        reordered: .init(query: 2, key: 2),
        modules: GGUFFamily.separate
    )

    private static let staging: String = {
        let path = "/dev/shm/facet-fuzz-\(getpid())"
        mkdir(path, 0o700)
        return path
    }()

    /// A llama.cpp file, and the PEFT folder it becomes, which is never larger than it.
    static func gguf(_ bytes: [UInt8]) {
        let parsed = try? bytes.withUnsafeBytes { try GGUFFile($0, fileSize: bytes.count) }
        guard let parsed, let file = MemoryFile(bytes) else { return }
        let taken = parsed.tensors.reduce(0) { $0 + $1.range.count }
        guard taken <= bytes.count else {
            fatalError("\(taken) bytes of tensors in \(bytes.count)")
        }
        guard let source = try? OpenFile(file.path, flags: O_RDONLY),
            let folder = try? StagingFolder(in: staging)
        else { return }
        try? GGUFImport(family: family, path: "fuzz").convert(source, size: bytes.count, to: folder)
    }

    /// An archive.
    static func tar(_ bytes: [UInt8]) {
        guard let file = MemoryFile(bytes),
            let source = try? OpenFile(file.path, flags: O_RDONLY)
        else { return }
        var reader = TarReader(source, size: bytes.count)
        while let entry = try? reader.next() {
            guard entry.size <= bytes.count else { fatalError("\(entry.size) in \(bytes.count)") }
        }
    }

    /// Training data; the first byte chooses the name.
    static func training(_ bytes: [UInt8]) {
        guard let first = bytes.first, let file = MemoryFile(Array(bytes.dropFirst())) else {
            return
        }
        let suffixes = ["jsonl", "json", "csv", "txt", "dat"]
        let name = "data." + suffixes[Int(first) % suffixes.count]
        _ = try? ValidationReport.validate(path: file.path, name: name, encoder: nil)
    }

    /// Rows in columns.
    static func table(_ bytes: [UInt8], _ name: String) {
        guard let file = MemoryFile(bytes),
            let reader = try? RecordReader(path: file.path, name: name)
        else { return }
        var rows = 0
        // A few bytes may stand for very many rows; how many in all is bounded elsewhere.
        while rows < 20_000, (try? reader.next()) ?? nil != nil { rows += 1 }
    }

    /// A file of keys.
    static func keys(_ bytes: [UInt8]) {
        guard let file = MemoryFile(bytes), let keys = try? KeyFile(path: file.path).load() else {
            return
        }
        for key in keys { _ = APIKey(json: key.json) }
    }
}
