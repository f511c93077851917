import Glibc
import Testing
import InferenceRuntime
import TestSupport

@testable import AdapterStore

@Suite struct AdapterRootsTests {
    private let folder: TemporaryFolder
    private let roots: AdapterRoots

    init() throws {
        folder = try TemporaryFolder()
        try PEFTFixture.write(to: folder("root/sql"), seed: 1)
        try PEFTFixture.write(to: folder("outside/secret"), seed: 2)
        try PEFTFixture.write(to: folder("rootless"), seed: 3)
        roots = try AdapterRoots([folder("root")])
    }

    private func opens(_ path: String) -> Bool {
        do throws(AdapterStoreError) {
            return try roots.open(path).descriptor >= 0
        } catch {
            guard case .pathNotAllowed = error else {
                Issue.record("\(error)")
                return false
            }
            return false
        }
    }

    @Test("what lies below a root opens, also through links that stay there")
    func inside() throws {
        #expect(opens(folder("root/sql")))
        #expect(opens(folder("root/../root/./sql/adapter_config.json")))
        symlink("sql", folder("root/link"))
        #expect(opens(folder("root/link")))
        #expect(opens(folder("root")))
    }

    @Test("nothing else does")
    func outside() throws {
        symlink(folder("outside"), folder("root/escape"))
        symlink("../outside/secret/adapter_config.json", folder("root/file"))
        mkfifo(folder("root/pipe"), 0o600)
        let paths = [
            folder("outside/secret"), folder("root/../outside/secret"), folder("rootless"),
            folder("root/escape/secret"), folder("root/file"), folder("root/missing"),
            "/etc/passwd", "", "../..", "http://127.0.0.1/x", "file:///etc/passwd", "s3://b/k",
            "hf://org/name", folder("root/sql\u{0}/x"), String(repeating: "a/", count: 4000),
            "/proc/self/root/etc/passwd",
        ]
        for path in paths { #expect(!opens(path), "\(path)") }
    }

    @Test("a pipe neither hangs nor is taken")
    func pipe() async throws {
        let fixture = try StoreFixture()
        mkfifo(fixture.folder("pipe"), 0o600)
        let publication = AdapterPublication(
            name: "p",
            path: fixture.folder("pipe"),
            replacing: .never
        )
        await #expect(throws: AdapterStoreError.self) {
            try await fixture.store.publish(publication, for: .program)
        }
    }

    @Test("a folder whose files lead out of the roots is refused, within them it is taken")
    func linkedFiles() async throws {
        let fixture = try StoreFixture()
        let cache = try PEFTFixture.write(to: fixture.folder("blobs"), seed: 1)
        try DurableFile.makeFolder(fixture.folder("snapshot"))
        for name in ["adapter_config.json", "adapter_model.safetensors"] {
            symlink("../blobs/" + name, fixture.folder("snapshot/" + name))
        }
        let inside = AdapterPublication(
            name: "a",
            path: fixture.folder("snapshot"),
            replacing: .never
        )
        let direct = AdapterPublication(name: "b", path: cache, replacing: .never)
        let hashes = [
            try await fixture.store.publish(inside, for: .program).hash,
            try await fixture.store.publish(direct, for: .program).hash,
        ]
        #expect(hashes[0] == hashes[1])
        try DurableFile.makeFolder(fixture.folder("evil"))
        symlink(
            folder("outside/secret/adapter_config.json"),
            fixture.folder("evil/adapter_config.json")
        )
        symlink(
            folder("outside/secret/adapter_model.safetensors"),
            fixture.folder("evil/adapter_model.safetensors")
        )
        let outside = AdapterPublication(name: "c", path: fixture.folder("evil"), replacing: .never)
        await #expect {
            try await fixture.store.publish(outside, for: .program)
        } throws: { error in
            guard case AdapterStoreError.pathNotAllowed = error else { return false }
            return true
        }
    }

    @Test("only the known files are copied, pickled weights are refused by name")
    func knownFiles() async throws {
        let fixture = try StoreFixture()
        let path = try PEFTFixture.write(to: fixture.folder("a"), seed: 1)
        try DurableFile.write([1], to: path + "/README.md")
        try DurableFile.write([1], to: path + "/adapter_model.bin")
        let generation = try await fixture.store.publish(
            AdapterPublication(name: "a", path: path, replacing: .never),
            for: .program
        )
        #expect(
            Set(try FileTree.names(in: fixture.folder("data/adapters/\(generation.hash)")))
                == ["adapter_config.json", "adapter_model.safetensors"]
        )
        unlink(path + "/adapter_model.safetensors")
        await #expect {
            try await fixture.store.publish(
                AdapterPublication(name: "b", path: path, replacing: .never),
                for: .program
            )
        } throws: { error in
            guard case AdapterStoreError.invalidSource(_, let reason) = error else { return false }
            return reason.contains("pickled")
        }
    }
}
