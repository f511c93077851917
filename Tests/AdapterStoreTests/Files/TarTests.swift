import Glibc
import Testing
import InferenceRuntime
import TestSupport

@testable import AdapterStore

@Suite struct TarTests {
    /// An archive's bytes, entry by entry.
    private struct Archive {
        var bytes: [UInt8] = []

        mutating func add(_ name: String, _ contents: [UInt8], type: Character = "0") {
            add(header: name, size: contents.count, type: type)
            bytes += contents
            bytes += [UInt8](repeating: 0, count: (512 - contents.count % 512) % 512)
        }

        mutating func add(header name: String, size: Int, type: Character) {
            var block = TarHeader(name: name, size: size, kind: .file).block(modified: 0)
            block[156] = type.asciiValue ?? 0
            for (index, byte) in "        ".utf8.enumerated() { block[148 + index] = byte }
            let sum = String(block.reduce(0) { $0 + Int($1) }, radix: 8)
            for (index, byte) in (sum + "\0").utf8.enumerated() { block[148 + index] = byte }
            bytes += block
        }

        mutating func end() { bytes += [UInt8](repeating: 0, count: 1024) }
    }

    private func read(_ bytes: [UInt8]) throws -> [(String, Int)] {
        let folder = try TemporaryFolder()
        try DurableFile.write(bytes, to: folder("a.tar"))
        var reader = TarReader(try OpenFile(folder("a.tar"), flags: O_RDONLY), size: bytes.count)
        var entries: [(String, Int)] = []
        while let entry = try reader.next() { entries.append((entry.name, entry.size)) }
        return entries
    }

    @Test("files, folders, pax paths and long names are read")
    func reads() throws {
        var archive = Archive()
        archive.add("./sql/", [], type: "5")
        archive.add("./sql/a", [1, 2, 3])
        archive.add("pax", Array("22 path=sql/long-name\n".utf8), type: "x")
        archive.add("short", [UInt8](repeating: 7, count: 700))
        archive.add("././@LongLink", Array("sql/very-long\0".utf8), type: "L")
        archive.add("short", [])
        archive.end()
        let entries = try read(archive.bytes)
        #expect(entries.map(\.0) == ["sql/a", "sql/long-name", "sql/very-long"])
        #expect(entries.map(\.1) == [3, 700, 0])
    }

    @Test(
        "names that lead out, links and devices are refused",
        arguments: [
            ("../a", "0"), ("/etc/passwd", "0"), ("a/../../b", "0"), ("a\\b", "0"), ("l", "1"),
            ("l", "2"), ("d", "3"), ("d", "4"), ("p", "6"), ("s", "S"), ("v", "V"),
        ] as [(String, Character)]
    )
    func hostile(name: String, type: Character) throws {
        var archive = Archive()
        archive.add(name, [], type: type)
        archive.end()
        #expect(throws: TarError.self) { try read(archive.bytes) }
    }

    @Test(
        "hostile metadata is refused",
        arguments: [
            "20 path=../escape\n\n", "999 path=a\n", "0 path=a\n", "path=a\n", "12 path=a\n",
            "13 size=-1\n\n\n", "14 size=1e99\n\n", "13 linkpath=b\n",
            "25 GNU.sparse.major=1\n\n\n\n",
            "-5 a=b\n", "99999999999999999999 a=b\n",
        ]
    )
    func hostilePax(record: String) throws {
        var archive = Archive()
        archive.add("pax", Array(record.utf8), type: "x")
        archive.add("a", [])
        archive.end()
        #expect(throws: TarError.self) { try read(archive.bytes) }
    }

    @Test("sizes beyond the archive, endless metadata and cut ends are refused")
    func sizes() throws {
        var large = Archive()
        large.add(header: "a", size: 0o77777777777, type: "0")
        #expect(throws: TarError.self) { try read(large.bytes) }
        var metadata = Archive()
        metadata.add("pax", [UInt8](repeating: 32, count: 1 << 17), type: "x")
        #expect(throws: TarError.self) { try read(metadata.bytes) }
        var many = Archive()
        many.add("a", [])
        many.bytes = Array(
            repeatElement(many.bytes, count: TarReader.maximumEntries + 1).joined()
        )
        #expect(throws: TarError.self) { try read(many.bytes) }
        var cut = Archive()
        cut.add("a", [UInt8](repeating: 1, count: 600))
        #expect(throws: TarError.self) { try read(Array(cut.bytes.prefix(512 + 300))) }
        #expect(throws: TarError.self) { try read(Array(cut.bytes.prefix(300))) }
    }

    @Test("any byte changed or cut never traps", arguments: 0..<4)
    func mutations(seed: Int) throws {
        var archive = Archive()
        archive.add("pax", Array("22 path=sql/long-name\n".utf8), type: "x")
        archive.add("a", [1, 2, 3])
        archive.end()
        var random = SplitMix(state: UInt64(seed))
        for _ in 0..<400 {
            var bytes = archive.bytes
            for _ in 0...random.below(3) {
                bytes[random.below(bytes.count)] = UInt8(random.below(256))
            }
            if random.below(3) == 0 { bytes = Array(bytes.prefix(random.below(bytes.count))) }
            _ = try? read(bytes)
        }
    }

    @Test("an adapter comes in by tar as by folder, at the top or in one folder")
    func imports() async throws {
        let fixture = try StoreFixture()
        let direct = try await fixture.publish("direct", seed: 1)
        for (index, prefix) in ["", "./", "sql/"].enumerated() {
            var archive = Archive()
            for name in ["adapter_config.json", "adapter_model.safetensors"] {
                let file = fixture.folder("source/direct-1/" + name)
                archive.add("README.md", [1])
                archive.add(prefix + name, try OpenFile(file, flags: 0).readAll(limit: 1 << 20))
            }
            archive.end()
            try DurableFile.write(archive.bytes, to: fixture.folder("a.tar"))
            let generation = try await fixture.store.publish(
                AdapterPublication(
                    name: "tar\(index)",
                    path: fixture.folder("a.tar"),
                    replacing: .never
                ),
                for: .program
            )
            #expect(generation.hash == direct.hash)
        }
    }

    @Test("an archive with a file twice, in two folders or missing is refused")
    func malformed() async throws {
        let fixture = try StoreFixture()
        let path = try PEFTFixture.write(to: fixture.folder("a"), seed: 1)
        let config = try OpenFile(path + "/adapter_config.json", flags: 0).readAll(limit: 1 << 20)
        let weights = try OpenFile(path + "/adapter_model.safetensors", flags: 0)
            .readAll(limit: 1 << 20)
        let archives: [[(String, [UInt8])]] = [
            [("adapter_config.json", config)],
            [("a/adapter_config.json", config), ("b/adapter_model.safetensors", weights)],
            [
                ("adapter_config.json", config), ("adapter_config.json", config),
                ("adapter_model.safetensors", weights),
            ],
            [("adapter_config.json", config), ("adapter_model.bin", weights)],
        ]
        for entries in archives {
            var archive = Archive()
            for (name, bytes) in entries { archive.add(name, bytes) }
            archive.end()
            try DurableFile.write(archive.bytes, to: fixture.folder("a.tar"))
            let publication = AdapterPublication(
                name: "a",
                path: fixture.folder("a.tar"),
                replacing: .never
            )
            await #expect(throws: AdapterStoreError.self) {
                try await fixture.store.publish(publication, for: .program)
            }
        }
        #expect(fixture.store.list(for: .program).isEmpty)
    }
}
