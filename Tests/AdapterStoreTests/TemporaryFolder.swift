import Foundation

@testable import AdapterStore

/// A folder of one test, gone with it.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        let root = FileManager.default.temporaryDirectory.path
        var template = Array("\(root)/facet-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw FileSystemError(operation: "mkdtemp", path: root, code: errno)
        }
        path = template.withUnsafeBufferPointer { buffer in
            String(decoding: buffer.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    deinit {
        try? FileTree.remove(path)
    }

    func callAsFunction(_ name: String) -> String { path + "/" + name }
}
