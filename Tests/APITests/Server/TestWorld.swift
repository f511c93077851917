import Foundation
import InferenceRuntime
import Logging
import TestSupport
import Trainer
import Storage

@testable import API
@testable import AdapterStore

/// An API with everything behind it but a model: real stores in a folder that goes with it.
final class TestWorld: Sendable {
    let folder: String
    let generator: ScriptedGenerator
    let adapters: AdapterStore
    let files: FileStore
    let jobs: FineTuningService
    let completions: StoredCompletionStore
    let batches: BatchStore
    let api: TestAPI
    /// API keys by what they are for: `acme`, `other` (infer and train), `ops` (admin).
    let keys: [String: String]

    init(
        trainer: TrainingScript = TrainingScript(steps: 2),
        completions limits: StoredCompletionStore.Limits = StoredCompletionStore.Limits()
    ) async throws {
        folder = NSTemporaryDirectory() + "facet-world-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
        let database = try TestDatabase.open(
            folder + "/data",
            migrations: [
                .adapters, FineTuningStore.migrations, FileStore.migrations,
                StoredCompletionStore.migrations, BatchStore.migrations,
            ]
        )
        adapters = try AdapterStore(
            database: database,
            configuration: AdapterStoreConfiguration(
                base: Self.base,
                memoryBudget: 1 << 20,
                roots: try AdapterRoots([folder])
            )
        )
        files = try await FileStore(database: database)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        jobs = FineTuningService(
            store: FineTuningStore(database: database),
            trainer: trainer,
            maximumRunning: 1,
            logger: logger
        )
        completions = StoredCompletionStore(database: database, limits: limits)
        batches = BatchStore(database: database)
        generator = ScriptedGenerator(answering: "hi".utf8.map { Int32($0) })
        let keyFile = KeyFile(path: folder + "/keys.json")
        keys = [
            "acme": try keyFile.create(tenant: "acme").text,
            "other": try keyFile.create(tenant: "other").text,
            "small": try keyFile.create(tenant: "small", limits: KeyLimits(storedBytes: 300)).text,
            "single": try keyFile.create(
                tenant: "single",
                limits: KeyLimits(parallelRequests: 1)
            ).text,
            "ops": try keyFile.create(tenant: "ops", rights: [.admin]).text,
            "trainer": try keyFile.create(tenant: "trainer", rights: [.train]).text,
        ]
        api = try TestAPI(
            generator: generator,
            ring: try KeyRing(file: keyFile, logger: logger),
            configuration: FacetServerConfiguration(keys: keyFile)
        ) { [adapters, files, jobs, completions, batches] services in
            services.adapters = adapters
            services.files = files
            services.jobs = jobs
            services.completions = completions
            services.batches = batches
        }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Reads nothing of an adapter but that it is there.
    private static let base = AdapterBase(
        name: TestAPI.baseID,
        hash: String(repeating: "a", count: 64),
        architecture: nil
    ) { (_, id) throws(AdapterUnfit) in
        AdapterWeights(adapter: LoRAAdapter(id: id), bytes: 1000)
    }

    /// Writes a PEFT directory whose content depends on `seed`, and names its path.
    func writeAdapter(_ seed: UInt8) throws -> String {
        let path = "\(folder)/peft-\(seed)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let config: JSONValue = [
            "peft_type": "LORA", "r": 1, "lora_alpha": 2, "target_modules": ["q_proj"],
            "task_type": "CAUSAL_LM", "bias": "none", "base_model_name_or_path": "tiny",
        ]
        try Data(config.serializedBytes)
            .write(to: URL(fileURLWithPath: path + "/adapter_config.json"))
        let name = "base_model.model.model.layers.0.self_attn.q_proj"
        let header: JSONValue = [
            "\(name).lora_A.weight": ["dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]],
            "\(name).lora_B.weight": ["dtype": "F32", "shape": [2, 1], "data_offsets": [8, 16]],
        ]
        var bytes = header.serializedBytes
        while bytes.count % 8 != 0 { bytes.append(0x20) }
        let length = (0..<8).map { UInt8(truncatingIfNeeded: bytes.count >> (8 * $0)) }
        let weights = [UInt8](repeating: seed, count: 16)
        try Data(length + bytes + weights)
            .write(to: URL(fileURLWithPath: path + "/adapter_model.safetensors"))
        return path
    }

    func headers(_ key: String) -> HTTPHeaders { ["Authorization": "Bearer \(keys[key] ?? "")"] }

    func post(_ path: String, _ body: JSONValue, as key: String = "acme") async throws
        -> TestAPI.Reply
    {
        try await api.post(path, body, headers: headers(key))
    }

    func get(_ path: String, as key: String = "acme") async throws -> TestAPI.Reply {
        try await api.get(path, headers: headers(key))
    }

    func delete(_ path: String, as key: String = "acme") async throws -> TestAPI.Reply {
        try await api.send(.delete, path, body: [], headers: headers(key))
    }

    /// Uploads a file as the SDKs do.
    func upload(
        _ content: String,
        filename: String = "data.jsonl",
        purpose: String? = "fine-tune",
        more: String = "",
        as key: String = "acme"
    ) async throws -> TestAPI.Reply {
        var body = ""
        if let purpose {
            body += "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n\(purpose)\r\n"
        }
        body += more
        body += "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\(filename)\"\r\n"
        body += "Content-Type: application/octet-stream\r\n\r\n\(content)\r\n--b--\r\n"
        var headers = headers(key)
        headers["Content-Type"] = "multipart/form-data; boundary=b"
        return try await api.send(.post, "/v1/files", body: Array(body.utf8), headers: headers)
    }

    static let example =
        #"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}"# + "\n"
}
