import Glibc
import InferenceRuntime

/// The exclusive hold of one process on a data directory.
///
/// `flock` on `DIR/lock`: the kernel lets go when the process ends, however it ends, so a crash
/// never leaves a directory locked. The file names the process for the message only.
final class DirectoryLock: Sendable {
    private let descriptor: Int32

    init(folder: String) throws(FacetDatabaseError) {
        let path = folder + "/lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor != -1 else {
            let error = FileSystemError(operation: "open", path: path, code: errno)
            throw .cannotOpen(folder: folder, reason: error.description)
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = Self.processIdentifier(in: descriptor)
            close(descriptor)
            throw .locked(folder: folder, process: holder)
        }
        self.descriptor = descriptor
        ftruncate(descriptor, 0)
        let text = Array("\(getpid())\n".utf8)
        _ = pwrite(descriptor, text, text.count, 0)
    }

    deinit {
        // Closing is not enough: a child that is being spawned has the descriptor until it executes.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    private static func processIdentifier(in descriptor: Int32) -> Int? {
        var bytes = [UInt8](repeating: 0, count: 20)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        let text = String(decoding: bytes.prefix(count), as: UTF8.self)
        return Int(text.prefix { $0.isNumber })
    }
}
