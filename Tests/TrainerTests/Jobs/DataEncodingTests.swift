import Foundation
import InferenceRuntime
import TestSupport
import Testing

@testable import Trainer

@Suite("A job's data are encoded once")
struct DataEncodingTests {
    private let folder = NSTemporaryDirectory() + "encoding-\(UUID().uuidString)"

    /// Encodes with a token a byte, and one that the model has no row for.
    private func encoding(_ identity: String = "1", vocabulary: Int = 256) throws -> DataEncoding {
        DataEncoding(
            folder: folder,
            reader: DatasetReader(
                encoder: ExampleEncoder(
                    model: BaseModel(
                        name: "bytes",
                        folder: folder,
                        encoder: ConversationEncoder(
                            tokenizer: try ByteTokenizer.make(special: "<pad>"),
                            templates: nil
                        ),
                        defaults: GenerationDefaults(stopTokens: [0]),
                        encodingIdentity: identity
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

    /// What changes when the encoded files are written again: their inodes and times.
    private func stamps() throws -> [String] {
        try ["training", "validation"].map { name in
            let path = "\(folder)/\(name).units"
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            let time = (attributes[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
            return "\(attributes[.systemFileNumber] ?? "") \(time)"
        }
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
        let written = try stamps()
        #expect(first.training.count == 20 && first.validation.count == 5)
        let second = try data(encoding())
        #expect(try stamps() == written)
        #expect(second.totals == first.totals && second.hash == first.hash)
        #expect(second.notes == first.notes)
        for index in 0..<20 {
            #expect(try second.training.unit(index) == first.training.unit(index))
        }
        #expect(second.validation.count == 5)
        // Another tokenizer or template, or another file: nothing of before holds.
        _ = try data(encoding("2"))
        #expect(zip(try stamps(), written).allSatisfy { $0 != $1 })
        try Data("{\"prompt\": \"a\", \"completion\": \"b\"}".utf8)
            .write(to: URL(fileURLWithPath: training.path))
        #expect(try data(encoding("2")).training.count == 1)
    }

    @Test("a token that the model has no row for is refused with its line and its text")
    func beyondTheEmbedding() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (good, bad) = (lines(3), lines(3, "a<pad>"))
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
