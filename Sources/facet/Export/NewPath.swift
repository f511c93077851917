import Foundation

/// A path where something new is to appear, complete or not at all.
struct NewPath {
    /// Without slashes at its end, so that a suffix names a sibling.
    let path: String

    init(_ text: String) {
        var bytes = Array(text.utf8)
        while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        path = String(decoding: bytes, as: UTF8.self)
    }

    /// Refuses a path that anything has, also a link that leads nowhere.
    func requireAbsent() throws {
        guard !path.isEmpty, path != "/" else { throw CommandError("\"\(path)\" is no new path") }
        var status = stat()
        guard lstat(path, &status) != 0 else {
            throw CommandError("\(path) is there already; it is not overwritten")
        }
    }

    /// Lets `body` make something under another name beside it, and renames it when that is done.
    func make(_ body: (String) throws -> Void) throws {
        let staged = path + ".partial-" + String(UInt64.random(in: 0 ... .max), radix: 16)
        do {
            try body(staged)
            guard rename(staged, path) == 0 else {
                throw CommandError("\(path): \(String(cString: strerror(errno)))")
            }
        } catch {
            try? FileManager.default.removeItem(atPath: staged)
            throw error
        }
    }
}
