import API
import Foundation
import Synchronization
import Testing
import Storage

/// Pulls from a hub on this machine that redirects, cuts, lies and refuses.
@Suite("Pulling a model", .serialized)
struct ModelPullTests {
    private static let server = HubServer()
    private static let commit = "0123456789abcdef0123456789abcdef01234567"

    private let server: HubServer
    private let cache: ModelCache
    private let folder: TemporaryFolder

    init() throws {
        server = try #require(Self.server)
        folder = try TemporaryFolder()
        cache = ModelCache(root: folder.path + "/models")
    }

    /// A folder that goes with its owner.
    final class TemporaryFolder: Sendable {
        let path = FileManager.default.temporaryDirectory.path + "/facet-hub-\(UUID().uuidString)"

        init() throws {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private func configuration(token: String? = nil) throws -> HubConfiguration {
        var environment = ["HF_ENDPOINT": "http://127.0.0.1:\(server.port)/"]
        environment["HF_TOKEN"] = token
        var configuration = try HubConfiguration(environment: environment)
        configuration.retryDelay = 0.01
        configuration.idleTimeout = 10
        return configuration
    }

    private func pull(_ name: String, token: String? = nil) async throws -> String {
        let pull = ModelPull(configuration: try configuration(token: token), cache: cache)
        return try await pull(try HubReference(name)) { _ in }
    }

    private func error(_ name: String, token: String? = nil) async -> HubError? {
        do {
            _ = try await pull(name, token: token)
            return nil
        } catch {
            return error as? HubError
        }
    }

    private func files(_ folder: String) throws -> Set<String> {
        Set(try FileManager.default.subpathsOfDirectory(atPath: folder))
    }

    private static let descriptions: Set<String> = [
        "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
        "chat_template.jinja",
    ]
    private static let weights = Data((0..<4096).flatMap { _ in (0...255).map { UInt8($0) } })

    private func expectWeights(_ folder: String) {
        let data = FileManager.default.contents(atPath: folder + "/model.safetensors")
        #expect(data == Self.weights)
    }

    // MARK: - What is fetched

    @Test("fetches what is needed and nothing else, and finds it again")
    func plain() async throws {
        let last = Mutex<PullProgress?>(nil)
        let pull = ModelPull(configuration: try configuration(), cache: cache)
        let reference = try HubReference("org/plain")
        let folder = try await pull(reference) { progress in last.withLock { $0 = progress } }
        #expect(try files(folder) == Self.descriptions.union(["model.safetensors"]))
        expectWeights(folder)
        let progress = try #require(last.withLock { $0 })
        #expect(progress.filesDone == 6)
        #expect(progress.filesTotal == 6)
        #expect(progress.bytesDone == progress.bytesTotal)
        #expect(cache.resolve(reference) == folder)
        for name in ["org/plain", "plain", "org/plain@\(Self.commit)", folder] {
            #expect(try ModelReference.resolve(name, in: cache) == folder)
        }
        #expect(cache.name(of: folder) == "plain")
        #expect(cache.repository(of: folder) == "org/plain")
        #expect(cache.name(of: folder + "/..") == nil)
        #expect(cache.name(of: "/models/plain") == nil)
    }

    @Test("a second pull asks for the listing only")
    func again() async throws {
        let folder = try await pull("org/plain@v1.0")
        let before = try server.requests().count
        #expect(try await pull("org/plain@v1.0") == folder)
        let requests = try server.requests().dropFirst(before)
        #expect(requests.map(\.path) == ["/api/models/org/plain/revision/v1.0?blobs=true"])
    }

    @Test("fetches the shards that the index names")
    func sharded() async throws {
        let folder = try await pull("org/sharded")
        let shards: Set<String> = [
            "model.safetensors.index.json", "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
        ]
        #expect(try files(folder) == Self.descriptions.union(shards))
    }

    @Test("of a data set the files that training reads are fetched, into a cache of their own")
    func dataset() async throws {
        let source = HubSource(.huggingface, .dataset)
        let cache = ModelCache(environment: ["XDG_CACHE_HOME": folder.path], of: .dataset)
        let pull = ModelPull(configuration: try configuration(), cache: cache)
        let found = try await pull(try HubReference("org/examples", on: source)) { _ in }
        #expect(found.hasPrefix(folder.path + "/facet/datasets/org--examples/"))
        #expect(try files(found) == ["data", "data/train.jsonl"])
    }

    // MARK: - Redirects

    @Test("follows a redirect to another host without the token")
    func redirect() async throws {
        let before = try server.requests().count
        expectWeights(try await pull("org/redirect", token: "secret"))
        let requests = try server.requests().dropFirst(before)
        let hub = requests.filter { $0.server == "hub" }
        let elsewhere = requests.filter { $0.server == "cdn" }
        #expect(hub.allSatisfy { $0.authorization == "Bearer secret" })
        #expect(elsewhere.count == 1)
        #expect(elsewhere.allSatisfy { $0.authorization == nil })
    }

    @Test("follows a relative redirect, and gives up on a circle")
    func otherRedirects() async throws {
        expectWeights(try await pull("org/relative"))
        let error = await error("org/loop")
        #expect("\(error, default: "none")".contains("redirects too often"))
    }

    // MARK: - Cuts and lies

    @Test("resumes a transfer that is cut, byte by byte where it stopped")
    func cut() async throws {
        let before = try server.requests().count
        expectWeights(try await pull("org/cut"))
        let ranges = try server.requests().dropFirst(before)
            .filter { $0.path.hasSuffix("/model.safetensors") }
        #expect(ranges.map(\.range) == [nil, "bytes=524288-", "bytes=786432-"])
        #expect(ranges.dropFirst().allSatisfy { $0.if_range != nil })
    }

    @Test(
        "begins anew where the server knows no ranges or the file has changed",
        arguments: ["rangeless", "changed"]
    )
    func restart(_ name: String) async throws {
        expectWeights(try await pull("org/\(name)"))
    }

    @Test("a server that cuts every time and knows no ranges is given up on")
    func alwaysCut() async throws {
        let error = await error("org/stuck")
        #expect("\(error, default: "none")".contains("run the same command again"))
    }

    @Test("a pull that is stopped leaves no model behind, and the next one goes on from there")
    func stopped() async throws {
        let configuration = try configuration()
        let reference = try HubReference("org/slow")
        let (started, continuation) = AsyncStream.makeStream(of: Void.self)
        let cache = cache
        let task = Task {
            try await ModelPull(configuration: configuration, cache: cache)(reference) {
                if $0.bytesDone > 300_000 { continuation.yield() }
            }
        }
        for await _ in started { break }
        task.cancel()
        await #expect(throws: HubError.self) { try await task.value }
        #expect(cache.resolve(reference) == nil)
        let before = try server.requests().count
        expectWeights(try await pull("org/slow"))
        let requests = try server.requests().dropFirst(before)
        #expect(requests.count == 2)
        #expect(requests.last?.range != nil)
    }

    @Test("a damaged file is fetched again")
    func corrupted() async throws {
        expectWeights(try await pull("org/corrupted"))
    }

    @Test("a hash or size that is never right is an error, and nothing is placed")
    func lies() async throws {
        for (name, words) in [("lying-hash", "SHA-256"), ("lying-size", "longer than")] {
            let error = await error("org/\(name)")
            #expect("\(error, default: "none")".contains(words))
            #expect(cache.resolve(try HubReference("org/\(name)")) == nil)
        }
    }

    @Test("a file name that leaves the folder refuses the whole repository")
    func escaping() async throws {
        for name in ["org/escaping", "org/escaping-index"] {
            guard case .unsafeFileName = await error(name) else {
                Issue.record("\(name) was not refused")
                continue
            }
        }
        #expect(try !files(folder.path).contains { $0.contains("evil") })
    }

    // MARK: - Refusals

    @Test("says what is missing, gated, limited or of no use, and what to do")
    func refusals() async throws {
        let expectations: [(name: String, token: String?, words: [String])] = [
            ("org/missing", nil, ["no repository org/missing", "HF_TOKEN"]),
            ("org/plain@nope", nil, ["no branch, tag or commit 'nope'"]),
            ("org/gated", nil, ["gated", "ask for access at http", "set HF_TOKEN"]),
            ("org/gated", "bad", ["gated", "account of HF_TOKEN has no access"]),
            ("org/limited", nil, ["try again in 3600 s", "HF_TOKEN"]),
            ("org/pickled", nil, ["PyTorch pickles"]),
        ]
        for (name, token, words) in expectations {
            let text = "\(await error(name, token: token), default: "none")"
            for word in words { #expect(text.contains(word), "\(text)") }
        }
        expectWeights(try await pull("org/gated", token: "good"))
    }

    @Test("waits as long as the hub asks, and tries again after an outage")
    func waits() async throws {
        expectWeights(try await pull("org/limited-once"))
        expectWeights(try await pull("org/broken-once"))
    }

    @Test("offline, the cache answers or nobody does")
    func offline() async throws {
        let folder = try await pull("org/plain")
        var configuration = try configuration()
        configuration.isOffline = true
        configuration.endpoint = URL(fileURLWithPath: "/nowhere")
        let pull = ModelPull(configuration: configuration, cache: cache)
        #expect(try await pull(try HubReference("org/plain")) { _ in } == folder)
        await #expect(throws: HubError.offline("org/other")) {
            try await pull(try HubReference("org/other")) { _ in }
        }
    }
}
