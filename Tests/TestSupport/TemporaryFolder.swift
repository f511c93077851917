import Foundation
import InferenceRuntime

/// A folder of one test, gone with it.
package final class TemporaryFolder: Sendable {
    /// Where it is.
    package let path: String

    /// Makes the folder below the system's own for temporary files.
    package init() throws {
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

    /// The path of `name` in it.
    package func callAsFunction(_ name: String) -> String { path + "/" + name }
}
