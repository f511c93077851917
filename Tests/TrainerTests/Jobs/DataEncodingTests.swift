import Foundation
import InferenceRuntime
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Trainer

@Suite("A job's data are encoded once")
struct DataEncodingTests {
    /// A token a byte, and one that the model has no row for; counts what it is asked.
    private final class Bytes: ExampleTokenizer {
        let calls = Mutex(0)

        func encode(_ text: String, addSpecialTokens: Bool, parseSpecial: Bool) -> [Int32] {
            calls.withLock { $0 += 1 }
            return text.utf8.map { $0 == UInt8(ascii: "~") ? 256 : Int32($0) }
        }
        func bytes(of id: Int32) -> [UInt8] { id == 256 ? [UInt8(ascii: "~")] : [UInt8(id)] }
        func token(of id: Int32) -> String? { id == 256 ? "<pad>" : nil }
        var specialIDs: Set<Int32> { [] }
    }

    private let folder = NSTemporaryDirectory() + "encoding-\(UUID().uuidString)"
    private let tokenizer = Bytes()

    private func encoding(_ identity: String = "1", vocabulary: Int = 256) -> DataEncoding {
        DataEncoding(
            folder: folder,
            reader: DatasetReader(
                encoder: ExampleEncoder(
                    model: ExampleEncoder.Model(
                        tokenizer: tokenizer,
                        templates: nil,
                        variables: ChatTemplateVariables(bos: nil, eos: nil, unk: nil, pad: nil),
                        stopIDs: [0],
                        eosID: 0,
                        identity: identity
                    ),
                    options: EncodingOptions(
                        cutoffLength: 64,
                        promptLossWeight: 0,
                        maskHistory: false
                    ),
                    now: TemplateClock(seconds: 0, offset: 0)
                ),
                vocabulary: vocabulary
            ),
            key: ["encoder": identity]
        )
    }

    private func lines(_ count: Int, _ word: String = "w") -> TemporaryFile {
        let lines = (0..<count).map {
            "{\"prompt\": \"p\($0) \", \"completion\": \"\(word)\($0)\"}"
        }
        return TemporaryFile(lines.joined(separator: "\n"), name: "x.jsonl")
    }

    private func location(_ file: TemporaryFile) -> TrainingFileLocation {
        TrainingFileLocation(path: file.path, name: "x.jsonl")
    }

    @Test("a second start reads what the first one wrote, and not the files")
    func readsOnce() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (training, validation) = (lines(20), lines(5))
        func data(_ encoding: DataEncoding) throws -> TrainingData {
            try encoding.data(training: location(training), validation: location(validation))
        }
        let first = try data(encoding())
        let calls = tokenizer.calls.withLock { $0 }
        #expect(calls == 25)
        let second = try data(encoding())
        #expect(tokenizer.calls.withLock { $0 } == calls)
        #expect(second.totals == first.totals && second.hash == first.hash)
        #expect(second.notes == first.notes)
        for index in 0..<20 {
            #expect(try second.training.unit(index) == first.training.unit(index))
        }
        #expect(second.validation.count == 5)
        // Another tokenizer or template, or another file: nothing of before holds.
        _ = try data(encoding("2"))
        #expect(tokenizer.calls.withLock { $0 } == 2 * calls)
        try Data("{\"prompt\": \"a\", \"completion\": \"b\"}".utf8)
            .write(to: URL(fileURLWithPath: training.path))
        #expect(try data(encoding("2")).training.count == 1)
    }

    @Test("a token that the model has no row for is refused with its line and its text")
    func beyondTheEmbedding() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (good, bad) = (lines(3), lines(3, "a~"))
        for (training, validation, param) in [
            (bad, good, "training_file"), (good, bad, "validation_file"),
        ] {
            let error = #expect(throws: FineTuningError.self) {
                try encoding().data(training: location(training), validation: location(validation))
            }
            #expect(error?.code == "invalid_training_file")
            #expect(error?.param == param)
            #expect(error?.message.contains("line 1") == true)
            #expect(error?.message.contains("'<pad>'") == true)
            #expect(error?.message.contains("256") == true)
        }
        _ = try encoding("3", vocabulary: 257).data(training: location(bad), validation: nil)
    }

    @Test("damaged files are an error, whatever is wrong with them")
    func damaged() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = lines(10)
        let data = try encoding().data(training: location(file), validation: nil)
        let path = folder + "/training.units"
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        for (place, value) in [(8, 0xFF), (12, 0x7F), (11, 0xFF), (17, 0xFF), (19, 0x80)] {
            var bytes = whole
            bytes[place] = UInt8(value)
            try bytes.write(to: URL(fileURLWithPath: path))
            let store = try EncodedUnitStore(path: folder + "/training", vocabulary: 256)
            #expect(throws: FileSystemError.self, "byte \(place)") { try store.unit(0) }
        }
        try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: path))
        let store = try EncodedUnitStore(path: folder + "/training", vocabulary: 256)
        #expect(throws: FileSystemError.self) { try store.unit(9) }
        #expect(try store.unit(0) == data.training.unit(0))
    }
}
