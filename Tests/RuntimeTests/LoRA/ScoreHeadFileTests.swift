import Foundation
import InferenceRuntime
import Testing

@Suite("Score heads in files")
struct ScoreHeadFileTests {
    private static let fixtures = ModelFixture.root + "/../reward"
    private typealias Entry = (name: String, shape: [Int], values: [Float])

    private let architecture: Architecture

    init() throws {
        let path = ModelFixture.root + "/llama-gqa/config.json"
        let json = try JSONValue(parsing: Array(Data(contentsOf: URL(fileURLWithPath: path))))
        architecture = try Architecture(configuration: json)
    }

    private static func file(_ entries: [Entry]) -> Data {
        var header: [String] = []
        var data = Data()
        for entry in entries {
            let end = data.count + 4 * entry.values.count
            header.append(
                "\"\(entry.name)\":{\"dtype\":\"F32\",\"shape\":\(entry.shape),"
                    + "\"data_offsets\":[\(data.count),\(end)]}"
            )
            entry.values.withUnsafeBytes { data += $0 }
        }
        let text = Array("{\(header.joined(separator: ","))}".utf8)
        let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) }
        return Data(length + text) + data
    }

    /// The adapter of a folder with such a file beside it.
    private func load(_ source: String, _ head: Data) throws -> LoRAAdapter {
        var adapter: LoRAAdapter?
        try withTemporaryFolder { folder in
            for name in ["adapter_config.json", "adapter_model.safetensors"] {
                try FileManager.default.copyItem(
                    atPath: "\(source)/\(name)",
                    toPath: "\(folder)/\(name)"
                )
            }
            try head.write(to: URL(fileURLWithPath: folder + "/value_head.safetensors"))
            adapter = try LoRAAdapter(folder: folder, for: architecture)
        }
        return try #require(adapter)
    }

    private static let plain = ModelFixture.root + "/llama-gqa/adapters/attention"
    private static let weight: Entry = (
        "v_head.summary.weight", [1, 64], (0..<64).map { Float($0) / 64 }
    )
    private static let bias: Entry = ("v_head.summary.bias", [1], [0.5])

    @Test("LLaMA-Factory's file makes an adapter a reward model")
    func valueHead() throws {
        let adapter = try load(Self.plain, Self.file([Self.weight, Self.bias]))
        var hidden = [Float](repeating: 0, count: 64)
        (hidden[3], hidden[32]) = (64, 2)
        #expect(adapter.score(hidden) == 0.5 + 3 + 1)
        #expect(adapter.score([1, 2]) == nil)
        #expect(adapter.rank == 8)
        let other = try load(
            Self.plain,
            Self.file([Self.weight, ("v_head.summary.bias", [1], [1])])
        )
        #expect(other.id != adapter.id)
        #expect(try LoRAAdapter(folder: Self.plain, for: architecture).scoreHead == nil)
    }

    @Test("what does not fit is refused by name", arguments: 0..<6)
    func refusals(_ index: Int) throws {
        let cases: [(head: [Entry], word: String)] = [
            ([Self.weight], "v_head.summary.bias"), ([Self.bias], "v_head.summary.weight"),
            (
                [(Self.weight.name, [1, 32], Array(Self.weight.values.prefix(32))), Self.bias], "32"
            ),
            ([(Self.weight.name, [64], Self.weight.values), Self.bias], "shape"),
            ([Self.weight, (Self.bias.name, [1], [.nan])], "NaN"),
            ([Self.weight, Self.bias, ("v_head.other.weight", [1], [0])], "v_head.other.weight"),
        ]
        let (head, word) = cases[index]
        let error = #expect(throws: AdapterError.self) {
            try load(Self.plain, Self.file(head))
        }
        #expect(error?.description.contains(word) == true, "\(String(describing: error))")
    }

    @Test("a file that ends too early is refused")
    func cut() throws {
        let whole = Self.file([Self.weight, Self.bias])
        for count in [0, 7, 40, whole.count - 1] {
            #expect(throws: AdapterError.self) { try load(Self.plain, whole.prefix(count)) }
        }
    }

    @Test("a classifier's head is read, one of several labels and a second one are refused")
    func classifier() throws {
        let folder = Self.fixtures + "/classifier"
        let adapter = try LoRAAdapter(folder: folder, for: architecture)
        let head = try #require(adapter.scoreHead)
        #expect(head.inputs == 64 && head.bias.pointee == 0)
        #expect(adapter.configuration.modulesToSave.isEmpty)
        let error = #expect(throws: AdapterError.self) {
            try load(folder, Self.file([Self.weight, Self.bias]))
        }
        #expect(error?.description.contains("second score head") == true)
    }
}
