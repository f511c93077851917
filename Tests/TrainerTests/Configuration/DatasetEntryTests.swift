import Foundation
import InferenceRuntime
import Testing

@testable import Trainer

/// `dataset_info.json`: columns and tags with names of their own, folders, draws.
@Suite("Entries of dataset_info.json")
struct DatasetEntryTests {
    /// A dataset folder that goes with the test.
    private final class Folder {
        let path = NSTemporaryDirectory() + "dataset-\(UUID().uuidString)"

        init(_ files: [String: String]) throws {
            for (name, text) in files {
                let file = URL(fileURLWithPath: "\(path)/\(name)")
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(),
                    withIntermediateDirectories: true
                )
                try text.write(to: file, atomically: true, encoding: .utf8)
            }
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    /// The first example of an entry over one record, as roles and contents.
    private func example(_ entry: String, _ record: String) throws -> [String] {
        let folder = try Folder([
            "dataset_info.json": "{\"d\": \(entry)}", "d.jsonl": record + "\n",
        ])
        let found = try #require(try DatasetEntry("d", in: folder.path))
        var file = TrainingFileLocation(path: found.files[0], name: found.files[0])
        file.mapping = found.mapping
        switch try TrainingFileReader(file).next()?.content {
        case .chat(let chat)?:
            return chat.messages.map {
                "\($0["role"]?.string ?? ""): \($0["content"]?.string ?? "")"
            }
        case .text(let text)?: return ["text: \(text)"]
        default: return []
        }
    }

    @Test("columns of instructions; a column that is not listed is not read")
    func columns() throws {
        let read = try example(
            """
            {"file_name": "d.jsonl", "columns": {"prompt": "q", "query": "extra", "response": "a",
             "system": "s"}}
            """,
            #"{"q": "one", "extra": "two", "a": "three", "s": "be brief", "input": "unread"}"#
        )
        #expect(read == ["system: be brief", "user: one\ntwo", "assistant: three"])
        let texts = try example(
            #"{"file_name": "d.jsonl", "columns": {"prompt": "content"}}"#,
            #"{"content": "once upon a time", "id": 3}"#
        )
        #expect(texts == ["text: once upon a time"])
    }

    @Test("turns with members and roles of their own")
    func tags() throws {
        let read = try example(
            """
            {"file_name": "d.jsonl", "formatting": "sharegpt", "columns": {"messages": "chat"},
             "tags": {"role_tag": "who", "content_tag": "says", "user_tag": "P", "assistant_tag": "A",
             "system_tag": "S"}}
            """,
            """
            {"chat": [{"who": "S", "says": "x"}, {"who": "P", "says": "hi"}, {"who": "A", "says": "yes"}]}
            """
        )
        #expect(read == ["system: x", "user: hi", "assistant: yes"])
    }

    @Test("OpenAI's messages by their usual tags, and by roles of their own")
    func messages() throws {
        let usual = try example(
            """
            {"file_name": "d.jsonl", "formatting": "sharegpt", "columns": {"messages": "messages"},
             "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user",
             "assistant_tag": "assistant", "system_tag": "system"}}
            """,
            """
            {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}]}
            """
        )
        #expect(usual == ["user: hi", "assistant: yes"])
        let own = try example(
            """
            {"file_name": "d.jsonl", "formatting": "openai", "columns": {"messages": "turns"},
             "tags": {"user_tag": "client", "assistant_tag": "bot"}}
            """,
            #"{"turns": [{"role": "client", "content": "hi"}, {"role": "bot", "content": "yes"}]}"#
        )
        #expect(own == ["user: hi", "assistant: yes"])
    }

    @Test("a folder is its files by name")
    func folders() throws {
        let folder = try Folder([
            "dataset_info.json": #"{"d": {"file_name": "parts", "num_samples": 3}}"#,
            "parts/b.jsonl": "", "parts/a.jsonl": "", "parts/.hidden": "",
        ])
        let entry = try #require(try DatasetEntry("d", in: folder.path))
        #expect(entry.files == ["a", "b"].map { "\(folder.path)/parts/\($0).jsonl" })
        #expect(entry.samples == 3)
        let unknown = try DatasetEntry("unknown", in: folder.path)
        #expect(unknown.map { _ in 0 } == nil)
    }

    @Test(
        "what cannot be honoured is refused by name",
        arguments: [
            (#"{"hf_hub_url": "org/data"}"#, "hf_hub_url"),
            (#"{"file_name": "d.jsonl", "ranking": 1}"#, "ranking"),
            (#"{"file_name": "d.jsonl", "columns": {"images": "i"}}"#, "columns.images"),
            (#"{"file_name": "d.jsonl", "tags": {"user_tag": 1}}"#, "tags.user_tag"),
            (#"{"file_name": "d.jsonl", "num_samples": 0}"#, "num_samples"),
            (#"{"file_name": "d.jsonl", "split": "test"}"#, "split"),
            (#"{"file_name": "gone.jsonl"}"#, "gone.jsonl"), (#"{"subset": "x"}"#, "subset"),
            ("{}", "file_name"),
        ]
    )
    func refusals(_ entry: String, _ word: String) throws {
        let folder = try Folder(["dataset_info.json": "{\"d\": \(entry)}", "d.jsonl": ""])
        let error = #expect(throws: TrainConfigurationError.self) {
            try DatasetEntry("d", in: folder.path)
        }
        #expect(error?.description.contains(word) == true)
    }
}
