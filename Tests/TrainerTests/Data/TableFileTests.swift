import Foundation
import InferenceRuntime
import TestSupport
import Testing

@testable import Trainer

/// Parquet and Arrow files that `Tests/Fixtures/tables/make.py` wrote with pyarrow, and what their
/// rows mean by `to_pylist`.
@Suite("Parquet and Arrow files")
struct TableFileTests {
    private static let folder = SharedData.packageRoot + "/Tests/Fixtures/tables"
    private static let meaning: JSONValue? = {
        let bytes = FileManager.default.contents(atPath: folder + "/rows.json")
        return try? JSONValue(parsing: [UInt8](bytes ?? Data()))
    }()
    private static let names = meaning?["files"]?.object?.members.map(\.key) ?? []

    private func rows(_ path: String) throws -> [JSONValue] {
        let reader = try RecordReader(path: path, name: path)
        var rows: [JSONValue] = []
        while let record = try reader.next() {
            rows.append(record.value)
            #expect(record.line == rows.count)
        }
        return rows
    }

    /// Whether two values say the same; numbers may be spelled otherwise.
    private func isSame(_ left: JSONValue, _ right: JSONValue) -> Bool {
        switch (left, right) {
        case (.number(let one), .number(let other)):
            one.spelling == other.spelling
                || one.double == other.double && one.spelling.contains { ".e".contains($0) }
        case (.array(let one), .array(let other)):
            one.count == other.count && zip(one, other).allSatisfy(isSame)
        case (.object(let one), .object(let other)):
            one.members.map(\.key) == other.members.map(\.key)
                && zip(one.members, other.members).allSatisfy { isSame($0.value, $1.value) }
        default: left == right
        }
    }

    @Test("are read as pyarrow reads them, row by row", arguments: names)
    func rows(file: String) throws {
        let meaning = try #require(Self.meaning)
        let table = try #require(meaning["files"]?[file]?.string)
        let expected = try #require(meaning["tables"]?[table]?.array)
        let found = try rows("\(Self.folder)/\(file)")
        try #require(found.count == expected.count)
        for (index, (own, right)) in zip(found, expected).enumerated() where !isSame(own, right) {
            Issue.record("row \(index + 1): \(own.serialized), not \(right.serialized)")
            return
        }
    }

    @Test("there are files of every encoding and codec")
    func isWhole() { #expect(Self.names.count > 20) }

    @Test("are known by their bytes, and give conversations to learn")
    func examples() throws {
        for name in ["nested.parquet", "nested.arrow", "nested.feather"] {
            let bytes = [UInt8](
                try #require(FileManager.default.contents(atPath: "\(Self.folder)/\(name)"))
            )
            let file = TemporaryFile(bytes, name: "upload")
            let reader = try TrainingFileReader(path: file.path, name: "upload")
            let first = try #require(try reader.next())
            #expect(reader.shape == .chat && first.line == 1)
            let isParquet = name.hasSuffix("parquet")
            #expect(reader.container == (isParquet ? .parquet : .arrow))
            guard case .chat(let chat) = first.content else {
                Issue.record("\(name) is no conversation")
                return
            }
            #expect(chat.messages.map { $0["content"] } == ["question 0", ""])
            var whole = SHA256()
            bytes.withUnsafeBytes { whole.update($0) }
            #expect(try reader.hash() == Hex.text(whole.finalize()))
        }
    }

    @Test(
        "what is not read is refused by name",
        arguments: [
            ("refused-brotli.parquet", "Brotli"), ("refused-bytes.parquet", "'picture'"),
            ("refused-duration.arrow", "duration"),
        ]
    )
    func refused(_ name: String, _ word: String) {
        let error = #expect(throws: TrainingFileError.self) {
            try rows("\(Self.folder)/\(name)")
        }
        #expect(error?.description.contains(word) == true, "\(String(describing: error))")
    }

    @Test("a name that promises a table and other content are told apart")
    func promises() throws {
        for (name, text, word) in [
            ("a.parquet", "{\"text\": \"a\"}\n", "no parquet file"),
            ("a.arrow", "{\"text\": \"a\"}\n", "no arrow file"),
            ("a.parquet", "version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
            ("a.feather", "FEA1....", "version 2"), ("a.parquet", "PARE....", "encrypted"),
        ] {
            let file = TemporaryFile(text, name: name)
            let error = #expect(throws: TrainingFileError.self) { try rows(file.path) }
            #expect(error?.description.contains(word) == true, "\(String(describing: error))")
        }
    }

    @Test(
        "cut anywhere they are refused, and with any byte changed they are read or refused",
        arguments: ["annotated.parquet", "old.parquet", "deltas.arrow", "views-lz4.arrow"]
    )
    func damaged(_ name: String) throws {
        let whole = [UInt8](
            try #require(FileManager.default.contents(atPath: "\(Self.folder)/\(name)"))
        )
        let count = try rows("\(Self.folder)/\(name)").count
        let suffix = String(name.split(separator: ".").last ?? "")
        for end in stride(from: 0, to: whole.count, by: 7) {
            let file = TemporaryFile(whole.prefix(end), name: "cut." + suffix)
            // A stream may end after any of its batches.
            let found = try? rows(file.path)
            #expect(found == nil || name == "deltas.arrow" && found?.count ?? 0 <= count)
        }
        for place in whole.indices {
            var changed = whole
            changed[place] ^= UInt8(truncatingIfNeeded: 1 << (place % 8))
            let file = TemporaryFile(changed, name: "changed." + suffix)
            _ = try? rows(file.path)
        }
    }

    @Test("are documents of an evaluation's task")
    func task() throws {
        for kind in ["parquet", "arrow"] {
            let documents = try TaskDocuments(
                [
                    "dataset_path": .string(kind),
                    "dataset_kwargs": [
                        "data_files": ["test": .string("\(Self.folder)/scalars.\(kind)")]
                    ],
                ],
                folder: "."
            )
            let rows = try documents.split("test")
            #expect(rows.map { $0["text"] } == ["plain", "Grüße, 世界 🌍", .null, ""])
        }
    }

    @Test("the row of a wrong example is named")
    func errors() throws {
        let path = "\(Self.folder)/nested.parquet"
        var file = TrainingFileLocation(path: path, name: path)
        file.mapping = RecordMapping(
            formatting: "sharegpt",
            columns: ["messages": "conversations"],
            tags: nil
        )
        let reader = try TrainingFileReader(file)
        let error = #expect(throws: TrainingFileError.self) {
            while try reader.next() != nil {}
        }
        #expect(error?.line == 1)
    }
}
