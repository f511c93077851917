@testable import API
import Foundation
import InferenceRuntime
import Logging
import Testing

@Suite("API keys")
struct KeyFileTests {
    private let folder = NSTemporaryDirectory() + "facet-keys-" + UUID().uuidString
    private var file: KeyFile { KeyFile(path: folder + "/keys.json") }
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    init() throws {
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
    }

    private func clean() { try? FileManager.default.removeItem(atPath: folder) }

    private func write(_ text: String) throws {
        try text.write(toFile: file.path, atomically: true, encoding: .utf8)
    }

    @Test("a key is shown once, stored as a digest, and found again by its text")
    func create() throws {
        defer { clean() }
        let made = try file.create(
            tenant: "acme",
            rights: [.infer],
            limits: KeyLimits(requestsPerMinute: 3, storedBytes: 1000)
        )
        let stored = try String(contentsOfFile: file.path, encoding: .utf8)
        #expect(!stored.contains(made.text))
        #expect(!stored.contains(String(made.text.suffix(43))))
        let keys = try file.load()
        #expect(keys == [made.key])
        let ring = try KeyRing(file: file, logger: logger)
        #expect(ring.key(matching: made.text)?.id == made.key.id)
        #expect(ring.key(matching: made.text + "x") == nil)
        #expect(ring.key(matching: "sk-facet-") == nil)
        #expect(ring.key(matching: "") == nil)
        let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions]
        #expect(mode as? Int == 0o600)
    }

    @Test("revoking the last key leaves a valid file that lets nobody in")
    func revoke() throws {
        defer { clean() }
        let made = try file.create(tenant: "acme")
        #expect(throws: KeyFileError.unknownKey(id: "key_none")) {
            try file.revoke(id: "key_none")
        }
        try file.revoke(id: made.key.id)
        #expect(try file.load().isEmpty)
        let ring = try KeyRing(file: file, logger: logger)
        #expect(ring.key(matching: made.text) == nil)
    }

    @Test("a running server takes up new and revoked keys within seconds")
    func reload() async throws {
        defer { clean() }
        let first = try file.create(tenant: "acme")
        let ring = try KeyRing(file: file, logger: logger)
        let second = try file.create(tenant: "acme")
        try file.revoke(id: first.key.id)
        try await Task.sleep(for: .milliseconds(1100))
        #expect(ring.key(matching: first.text) == nil)
        #expect(ring.key(matching: second.text) != nil)
        try write("{")
        try await Task.sleep(for: .milliseconds(1100))
        #expect(ring.key(matching: second.text) != nil)
        #expect(ring.key(matching: "sk-facet-x-y") == nil)
    }

    @Test("a missing, empty or damaged file never opens the server")
    func damaged() throws {
        defer { clean() }
        #expect(throws: KeyFileError.missing(path: file.path)) {
            try KeyRing(file: file, logger: logger)
        }
        let made = try file.create(tenant: "acme", limits: KeyLimits(parallelRequests: 2))
        let good = try String(contentsOfFile: file.path, encoding: .utf8)
        let damages = [
            "", "{", "[]", "null", "{}", #"{"version":2,"keys":[]}"#,
            #"{"version":1,"keys":{}}"#, #"{"version":1,"keys":[{}]}"#,
            String(good.dropLast(10)),
            good.replacingOccurrences(of: "\"infer\"", with: "\"root\""),
            good.replacingOccurrences(of: "\"parallel_requests\":2", with: "\"parallel\":2"),
            good.replacingOccurrences(of: "\"tenant\":\"acme\"", with: "\"tenant\":\"\""),
            good.replacingOccurrences(of: made.key.id, with: "id"),
        ]
        for text in damages {
            try write(text)
            #expect(throws: KeyFileError.self, "\(text)") {
                try KeyRing(file: file, logger: logger)
            }
            #expect(throws: KeyFileError.self) { try file.create(tenant: "x") }
        }
        try write(good)
        #expect(try file.load() == [made.key])
    }

    @Test("commands at the same time lose none of each other's keys")
    func concurrent() async throws {
        defer { clean() }
        let file = file
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<20 {
                group.addTask { _ = try? file.create(tenant: "t\(index)") }
            }
        }
        #expect(try file.load().count == 20)
    }

    @Test("limits and rights are read as they are written on the command line")
    func parsing() throws {
        let limits = try KeyLimits(
            parsing: "requests=60, tokens_per_minute=100K,parallel=4,bytes=2GB"
        )
        #expect(limits.requestsPerMinute == 60)
        #expect(limits.tokensPerMinute == 100_000)
        #expect(limits.parallelRequests == 4)
        #expect(limits.storedBytes == 2_000_000_000)
        for text in ["requests", "requests=0", "requests=-1", "speed=3", "bytes=9999999999G"] {
            #expect(throws: KeyFileError.self) { try KeyLimits(parsing: text) }
        }
        #expect(try KeyRight.list(parsing: "infer, admin") == [.infer, .admin])
        #expect(throws: KeyFileError.self) { try KeyRight.list(parsing: "root") }
        #expect(throws: KeyFileError.self) { try file.create(tenant: "a b") }
        clean()
    }
}
