import Glibc
import InferenceRuntime

/// A file of columns, read by place; no place outside it is ever asked of the system.
final class TableFile {
    private let file: OpenFile
    /// Bytes of the file when it was opened.
    let size: Int

    init(path: String) throws(TableError) {
        do {
            file = try OpenFile(path, flags: O_RDONLY)
            size = try file.byteCount()
        } catch {
            throw TableError("the file cannot be read: \(error)")
        }
    }

    /// `count` bytes from `offset`.
    /// - Throws: `TableError` where the file has fewer.
    func bytes(at offset: Int, count: Int) throws(TableError) -> [UInt8] {
        guard offset >= 0, count >= 0, count <= size, offset <= size - count else {
            throw .damaged("it ends before what it says it holds")
        }
        do {
            return try file.read(exactly: count, at: offset)
        } catch {
            throw TableError("the file cannot be read: \(error)")
        }
    }
}
