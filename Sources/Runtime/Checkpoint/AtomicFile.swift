import Glibc

/// A file that appears under its name complete and durable, or not at all.
///
/// It is written under another name beside it; `commit` syncs and renames. Two writers of one name
/// do not disturb each other: the last to commit stays.
struct AtomicFile: ~Copyable {
    private let path: String
    private let temporary: String
    private let descriptor: Int32
    private var isCommitted = false

    /// Begins a file; its folder must be there.
    init(_ path: String) throws(CheckpointError) {
        self.path = path
        var template = Array((path + "." + String(repeating: "X", count: 6)).utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw .unwritable(path: path, reason: systemError()) }
        self.descriptor = descriptor
        let name = template.dropLast().map { UInt8(bitPattern: $0) }
        temporary = String(decoding: name, as: UTF8.self)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        fchmod(descriptor, 0o644)
    }

    deinit {
        close(descriptor)
        if !isCommitted { unlink(temporary) }
    }

    /// Appends bytes.
    func write(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
        var rest = bytes
        while rest.count > 0 {
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count < 0 {
                guard errno == EINTR else {
                    throw .unwritable(path: path, reason: systemError())
                }
                continue
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// Appends bytes.
    func write(_ bytes: [UInt8]) throws(CheckpointError) {
        var failure: CheckpointError?
        bytes.withUnsafeBytes { bytes in
            do throws(CheckpointError) { try write(bytes) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// Writes a safetensors file as a whole.
    static func write(
        _ writer: SafetensorsWriter<CheckpointError>,
        to path: String
    ) throws(CheckpointError) {
        let file = try AtomicFile(path)
        try writer.write { (bytes) throws(CheckpointError) in try file.write(bytes) }
        try file.commit()
    }

    /// Writes a file as a whole.
    static func write(_ bytes: [UInt8], to path: String) throws(CheckpointError) {
        let file = try AtomicFile(path)
        try file.write(bytes)
        try file.commit()
    }

    /// Makes the file durable and gives it its name.
    consuming func commit() throws(CheckpointError) {
        guard fsync(descriptor) == 0, rename(temporary, path) == 0 else {
            throw .unwritable(path: path, reason: systemError())
        }
        isCommitted = true
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let parent = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if parent >= 0 {
            fsync(parent)
            close(parent)
        }
    }
}

/// The system's words for the last error.
func systemError() -> String { String(cString: strerror(errno)) }
