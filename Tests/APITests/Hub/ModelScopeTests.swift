import API
import Foundation
import Testing

/// Pulls from a ModelScope on this machine that pages, cuts, lies and refuses.
@Suite("Pulling from ModelScope", .serialized)
struct ModelScopeTests {
    private static let server = HubServer(script: "modelscope.py")

    private let server: HubServer
    private let folder: ModelPullTests.TemporaryFolder

    init() throws {
        server = try #require(Self.server)
        folder = try ModelPullTests.TemporaryFolder()
    }

    private func cache(_ kind: RepositoryKind) -> ModelCache {
        ModelCache(environment: ["XDG_CACHE_HOME": folder.path], of: kind)
    }

    private func pull(
        _ name: String,
        _ kind: RepositoryKind = .model,
        patterns: [String] = [],
        token: String? = nil
    ) async throws -> String {
        var environment = ["MODELSCOPE_ENDPOINT": "http://127.0.0.1:\(server.port)/"]
        environment["MODELSCOPE_API_TOKEN"] = token
        var configuration = try HubConfiguration(environment: environment, of: .modelscope)
        configuration.retryDelay = 0.01
        let pull = ModelPull(
            configuration: configuration,
            cache: cache(kind),
            patterns: patterns
        )
        let reference = try HubReference(name, on: HubSource(.modelscope, kind))
        return try await pull(reference) { _ in }
    }

    private func files(_ folder: String) throws -> Set<String> {
        let paths = try FileManager.default.subpathsOfDirectory(atPath: folder)
        return Set(paths.filter { $0.contains(".") })
    }

    private static let weights = Data((0..<4096).flatMap { _ in (0...255).map { UInt8($0) } })

    @Test("a model is fetched, checked, and found again by its name")
    func model() async throws {
        let folder = try await pull("org/plain")
        #expect(try files(folder) == ["config.json", "tokenizer.json", "model.safetensors"])
        let weights = FileManager.default.contents(atPath: folder + "/model.safetensors")
        #expect(weights == Self.weights)
        let before = try server.requests().count
        #expect(try await pull("org/plain") == folder)
        let requests = try server.requests().dropFirst(before)
        #expect(
            requests.map(\.path) == [
                "/api/v1/models/org/plain/repo/files?Revision=master&Recursive=True"
            ]
        )
        for name in ["org/plain", "plain"] {
            #expect(try ModelReference.resolve(name, in: cache(.model)) == folder)
        }
    }

    @Test("an adapter is its two files")
    func adapter() async throws {
        let folder = try await pull("org/adapter")
        #expect(try files(folder) == ["adapter_config.json", "adapter_model.safetensors"])
    }

    @Test("a data set is the files that training reads, page by page, or the ones asked for")
    func dataset() async throws {
        let folder = try await pull("org/data", .dataset)
        #expect(folder.hasPrefix(self.folder.path + "/facet/datasets/"))
        let all = try files(folder)
        #expect(all.count == 122 && all.contains("data/train-0 of 1.jsonl"))
        #expect(all.contains("many/119.csv") && !all.contains("README.md"))
        let chosen = try await pull("org/data", .dataset, patterns: ["*.parquet", "many/00?.csv"])
        #expect(try files(chosen).count == 11 && chosen != folder)
    }

    @Test("a transfer that is cut goes on where it stopped")
    func cut() async throws {
        let before = try server.requests().count
        let folder = try await pull("org/cut")
        let weights = FileManager.default.contents(atPath: folder + "/model.safetensors")
        #expect(weights == Self.weights)
        let ranges = try server.requests().dropFirst(before)
            .filter { $0.path.hasSuffix("FilePath=model.safetensors") }.map(\.range)
        #expect(ranges == [nil, "bytes=262144-", "bytes=524288-"])
    }

    @Test("what is missing, closed, limited or false is said, with the variable of its token")
    func refusals() async throws {
        let expectations: [(String, RepositoryKind, [String])] = [
            ("org/missing", .model, ["no repository org/missing", "MODELSCOPE_API_TOKEN"]),
            ("org/missing", .dataset, ["no repository org/missing"]),
            ("org/plain@nope", .model, ["'nope'"]), ("plain", .model, ["ORG/NAME"]),
            ("org/private", .model, ["/models/org/private", "set MODELSCOPE_API_TOKEN"]),
            ("org/limited", .model, ["try again in 3600 s", "MODELSCOPE_API_TOKEN"]),
            ("org/refusing", .model, ["the request is refused"]),
            ("org/lying", .model, ["SHA-256"]), ("org/escaping", .model, ["leave its folder"]),
        ]
        for (name, kind, words) in expectations {
            let error = await #expect(throws: HubError.self) { try await pull(name, kind) }
            for word in words {
                #expect("\(error, default: "none")".contains(word), "\(name)")
            }
        }
        _ = try await pull("org/private", token: "good")
        let none = await #expect(throws: HubError.self) {
            try await pull("org/data", .dataset, patterns: ["*.arrow"])
        }
        #expect("\(none, default: "none")".contains("*.arrow"))
    }

    @Test("the environment chooses the hub")
    func environment() throws {
        #expect(Hub(environment: [:]) == .huggingface)
        #expect(Hub(environment: ["USE_MODELSCOPE_HUB": "1"]) == .modelscope)
        let standard = try HubConfiguration(environment: ["HF_TOKEN": "x"], of: .modelscope)
        #expect(standard.endpoint.absoluteString == "https://www.modelscope.cn")
        #expect(standard.token == nil)
    }
}
