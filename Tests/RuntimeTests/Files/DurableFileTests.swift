import InferenceRuntime
import Foundation
import Testing

@Suite("Durable folders")
struct DurableFileTests {
    @Test("folders are made with those above them, again and again")
    func folders() throws {
        let root = FileManager.default.temporaryDirectory.path + "/facet-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: root) }
        for _ in 0..<2 { try DurableFile.makeFolder(root + "/a/b/c") }
        #expect(try FileManager.default.subpathsOfDirectory(atPath: root).count == 3)
        try Data().write(to: URL(fileURLWithPath: root + "/file"))
        #expect(throws: FileSystemError.self) { try DurableFile.makeFolder(root + "/file") }
        #expect(throws: FileSystemError.self) { try DurableFile.makeFolder(root + "/file/x") }
    }

    @Test("a folder that can never be made is an error", arguments: ["", "/proc/facet/data"])
    func never(_ path: String) {
        #expect(throws: FileSystemError.self) { try DurableFile.makeFolder(path) }
    }
}
