import Foundation
import Testing

@testable import Trainer

/// Files as `gzip` and `zstd` write them; the bytes were made with the tools themselves.
@Suite("Compressed training files")
struct CompressedFileTests {
    /// Two lines, each a member of its own.
    private static let gzip = """
        H4sIAAAAAAACA6tWKkmtKFGyUlDKz0tVquUCAG0D0QYQAAAAH4sIAAAAAAACA6tWKkmtKFGyUlAqKc9XquUCAKLkjW0QAAAA
        """
    /// The same two lines.
    private static let zstd = "KLUv/QRY5QAAsHsidGV4dCI6ICJvbmUifQp0d28ifQoBAGabS28tKp8="

    private func bytes(_ base64: String) throws -> [UInt8] {
        [UInt8](try #require(Data(base64Encoded: base64)))
    }

    private func read(_ bytes: [UInt8], _ name: String) throws -> [TrainingExample.Content] {
        let file = TemporaryFile(bytes, name: name)
        let reader = try TrainingFileReader(path: file.path, name: name)
        var contents: [TrainingExample.Content] = []
        while let example = try reader.next() { contents.append(example.content) }
        return contents
    }

    @Test("are read as what they hold, whatever they are called")
    func content() throws {
        let expected: [TrainingExample.Content] = [.text("one"), .text("two")]
        for name in ["data.jsonl.gz", "data.jsonl", "data.JSON.GZ"] {
            #expect(try read(try bytes(Self.gzip), name) == expected)
        }
        #expect(try read(try bytes(Self.zstd), "data.jsonl.zst") == expected)
        #expect(try read(try bytes(Self.gzip), "data.txt.gz").count == 2)
    }

    @Test("that end early, are damaged or carry something else are refused", arguments: 0..<2)
    func damaged(_ which: Int) throws {
        let whole = try bytes(which == 0 ? Self.gzip : Self.zstd)
        for cut in [5, whole.count / 3, whole.count - 1] {
            #expect(throws: TrainingFileError.self) {
                try read(Array(whole.prefix(cut)), "data.jsonl.gz")
            }
        }
        var changed = whole
        changed[whole.count - 2] ^= 0xFF
        #expect(throws: TrainingFileError.self) { try read(changed, "data.jsonl.gz") }
        #expect(throws: TrainingFileError.self) {
            try read(whole + Array("something else".utf8), "data.jsonl.gz")
        }
    }

    @Test("that would become far larger than any text does are refused")
    func bomb() throws {
        let zeros = """
            H4sIAAAAAAACA+3BIQEAAADDIL/+gR/iFigAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAgM8Ahd/Q5wAAEAA=
            """
        let file = TemporaryFile(try bytes(zeros), name: "data.txt.gz")
        let source = try SourceFile(path: file.path, allowance: 1 << 16)
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        let error = #expect(throws: TrainingFileError.self) {
            while try source.read(into: &chunk, line: 1) > 0 {}
        }
        #expect(error?.reason.contains("100 times") == true)
    }
}
