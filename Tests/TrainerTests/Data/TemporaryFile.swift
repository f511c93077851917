import Foundation

/// A file with some text, removed when the test lets go of it.
final class TemporaryFile {
    let path: String

    init(_ bytes: some Sequence<UInt8>, name: String) {
        let folder = FileManager.default.temporaryDirectory.path
        path = "\(folder)/\(UUID().uuidString)-\(name)"
        _ = FileManager.default.createFile(atPath: path, contents: Data(bytes))
    }

    convenience init(_ text: String, name: String) { self.init(text.utf8, name: name) }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
