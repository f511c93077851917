import Glibc
import InferenceRuntime
import Storage
import TestSupport

@testable import AdapterStore

/// PEFT directories for tests: the smallest that is one, each with its own content.
enum PEFTFixture {
    static let modules = [
        "model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.k_proj",
        "model.layers.1.self_attn.q_proj", "model.layers.1.self_attn.k_proj",
    ]
    static let inputs = 16
    static let outputs = 8
    static let rank = 4

    /// Writes a directory whose weights depend on `seed`.
    @discardableResult
    static func write(
        to folder: String,
        seed: Int,
        element: GGUFType = .f32,
        configure: (inout LoRAConfiguration) -> Void = { _ in }
    ) throws -> String {
        try DurableFile.makeFolder(folder)
        var config = LoRAConfiguration()
        config.rank = rank
        config.alpha = 8
        config.setTargets(modules)
        config.baseModel = "facet-demo"
        configure(&config)
        try DurableFile.write(
            AdapterConfigFile.bytes(of: config),
            to: folder + "/adapter_config.json"
        )
        var random = SplitMix(state: UInt64(seed))
        var writer = SafetensorsWriter<FileSystemError>()
        func append(_ name: String, _ shape: [Int]) {
            let count = shape.reduce(1, *) * element.blockBytes
            let bytes = (0..<count).map { index in
                // Exponents in range: every element a small number.
                index % element.blockBytes == element.blockBytes - 1
                    ? 0x3C : UInt8(random.below(256))
            }
            writer.append(.init(name: name, type: element.tensorType ?? .f32, shape: shape)) {
                bytes
            }
        }
        for module in modules {
            append("base_model.model.\(module).lora_A.weight", [rank, inputs])
            append("base_model.model.\(module).lora_B.weight", [outputs, rank])
        }
        try DurableFile.write(to: folder + "/adapter_model.safetensors") {
            file throws(FileSystemError) in
            try writer.write { (bytes) throws(FileSystemError) in try file.write(bytes) }
        }
        return folder
    }
}

/// A base whose adapters are files that say nothing: the store's part without a model.
enum BaseFixture {
    /// A llama of two blocks that `PEFTFixture` fits.
    static func architecture(family: String = "llama") throws -> Architecture {
        try Architecture(
            configuration: [
                "model_type": .string(family), "hidden_size": 16, "intermediate_size": 32,
                "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
                "head_dim": 4, "vocab_size": 40, "max_position_embeddings": 128,
                "rms_norm_eps": 1e-5, "hidden_act": "silu", "tie_word_embeddings": true,
                "rope_theta": 10000.0,
            ]
        )
    }

    /// Refuses weights of less than 500 bytes.
    static func base(
        _ hash: String = "base",
        name: String = "facet-demo"
    ) throws -> AdapterBase {
        AdapterBase(name: name, hash: hash, architecture: try architecture()) {
            (folder, id) throws(AdapterUnfit) in
            do throws(FileSystemError) {
                let file = try OpenFile(folder + "/adapter_model.safetensors", flags: 0)
                let bytes = try file.readAll(limit: 1 << 30)
                if bytes.count < 500 { throw FileSystemError(operation: "", path: "", code: 0) }
                return AdapterWeights(adapter: LoRAAdapter(id: id), bytes: bytes.count)
            } catch {
                throw AdapterUnfit("it is too small")
            }
        }
    }
}

/// A data directory with its database and store, and a clock that stands still.
final class StoreFixture {
    let folder: TemporaryFolder
    private var opened: AdapterStore?
    private let clock: TestClock
    let administrator = AdapterCaller.administrator(of: .keyless)

    init(budget: Int = 1 << 30) throws {
        folder = try TemporaryFolder()
        clock = TestClock()
        opened = try Self.open(folder, clock, budget, try BaseFixture.base())
    }

    var store: AdapterStore {
        guard let opened else { preconditionFailure("the store is closed while it is reopened") }
        return opened
    }

    /// As after a restart of the server.
    func reopen(budget: Int = 1 << 30, base: AdapterBase? = nil) throws {
        // The old database must be let go first: its lock is exclusive. A thread of the old store may
        // still hold it for a moment.
        opened = nil
        let base = try base ?? BaseFixture.base()
        for _ in 0..<500 {
            do {
                opened = try Self.open(folder, clock, budget, base)
                return
            } catch FacetDatabaseError.locked {
                usleep(10_000)
            }
        }
        opened = try Self.open(folder, clock, budget, base)
    }

    func advance(seconds: Int) { clock.advance(seconds) }

    /// Writes a PEFT directory and publishes it.
    @discardableResult
    func publish(
        _ name: String,
        seed: Int,
        for caller: AdapterCaller = .program,
        replacing: AdapterReplacement = .always
    ) async throws -> AdapterGeneration {
        let path = try PEFTFixture.write(to: folder("source/\(name)-\(seed)"), seed: seed)
        let publication = AdapterPublication(name: name, path: path, replacing: replacing)
        return try await store.publish(publication, for: caller)
    }

    /// The folders in DIR/adapters.
    var storedFolders: Set<String> {
        get throws { Set(try FileTree.names(in: folder("data/adapters"))) }
    }

    private static func open(
        _ folder: TemporaryFolder,
        _ clock: TestClock,
        _ budget: Int,
        _ base: AdapterBase?
    ) throws -> AdapterStore {
        let database = try TestDatabase.open(folder("data"), migrations: [.adapters])
        var configuration = AdapterStoreConfiguration(
            base: base,
            memoryBudget: budget,
            roots: try AdapterRoots([folder.path])
        )
        configuration.now = { clock.now }
        return try AdapterStore(database: database, configuration: configuration)
    }
}
