import Glibc
import Testing
import InferenceRuntime
import Storage
import TestSupport

@testable import AdapterStore

@Suite(.serialized) struct CrashTests {
    @Test("killed at any moment, nothing acknowledged is lost and nothing half done is left")
    func kills() async throws {
        let folder = try TemporaryFolder()
        let hashes = try await CrashWorker.prepare(folder.path)
        let log = CrashLog(path: folder("log"))
        for kill: Int in 0..<Soak.kills {
            let path = folder.path
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [path = path as String, kill = kill as Int] in
                try await CrashWorker(folder: path, seed: UInt64(kill)).runUntilKilled()
            }
            let found = try state(folder)
            let allowed = try log.expectations()
            #expect(allowed.contains(found), "kill \(kill): \(found) is none of \(allowed)")
            try checkFiles(folder, hashes)
            log.restart(from: found)
        }
    }

    /// What the names mean after a restart.
    private func state(_ folder: TemporaryFolder) throws -> CrashLog.Expectation {
        let store = try CrashWorker.open(folder.path)
        var found = CrashLog.Expectation()
        for status in store.list(for: .program) where status.isCurrent {
            found.names[status.generation.name] = status.generation.hash
        }
        for alias in store.aliases(for: .program) {
            found.names[alias.name] = alias.weights.first?.generation ?? ""
        }
        return found
    }

    /// Every row has its whole folder, every folder its row.
    private func checkFiles(_ folder: TemporaryFolder, _ hashes: Set<String>) throws {
        let store = try CrashWorker.open(folder.path)
        let meant = Set(store.list(for: .program).map(\.generation.hash))
        #expect(Set(try FileTree.names(in: folder("data/adapters"))) == meant)
        #expect(meant.isSubset(of: hashes))
        for hash in meant {
            #expect(try ContentHash.hash(of: folder("data/adapters/\(hash)")) == hash)
        }
    }
}

/// The process that is killed: changes the store as fast as it can and writes down what it knows.
struct CrashWorker {
    static let sources = 6
    static let names = ["a", "b", "c"]

    let folder: String
    let seed: UInt64

    /// Writes the sources; returns what contents there can be.
    static func prepare(_ folder: String) async throws -> Set<String> {
        var hashes: Set<String> = []
        for seed in 0..<sources {
            let path = try PEFTFixture.write(to: folder + "/source/\(seed)", seed: seed)
            hashes.insert(try ContentHash.hash(of: path))
        }
        return hashes
    }

    static func open(_ folder: String) throws -> AdapterStore {
        let database = try TestDatabase.open(folder + "/data", migrations: [.adapters])
        var configuration = AdapterStoreConfiguration(
            base: try BaseFixture.base(),
            memoryBudget: 1 << 20,
            roots: .everywhere
        )
        // No grace: garbage is made and collected all the time.
        configuration.graceSeconds = 0
        return try AdapterStore(database: database, configuration: configuration)
    }

    func runUntilKilled() async throws {
        var random = SplitMix(state: seed &* 7919)
        let store = try Self.open(folder)
        let delay = UInt32(random.below(250_000))
        _ = try Thread(name: "killer") {
            usleep(delay)
            kill(getpid(), SIGKILL)
        }
        let log = CrashLog(path: folder + "/log")
        while true { await change(store, log, &random) }
    }

    private func change(_ store: AdapterStore, _ log: CrashLog, _ random: inout SplitMix) async {
        let name = Self.names[random.below(Self.names.count)]
        do {
            switch random.below(6) {
            case 0...2:
                let source = folder + "/source/\(random.below(Self.sources))"
                log.append("try set \(name) \(try ContentHash.hash(of: source))")
                let publication = AdapterPublication(name: name, path: source, replacing: .always)
                _ = try await store.publish(publication, for: .program)
            case 3:
                log.append("try remove \(name)")
                try await store.remove(name, for: .program)
            case 4:
                let target = try store.resolve(name, for: .program, splitKey: "")
                log.append("try set alias-\(name) \(target.hash)")
                let weight = AdapterAliasWeight(generation: target.hash, share: 1)
                try await store.setAlias(
                    "alias-" + name,
                    to: name,
                    weights: [weight],
                    for: .program
                )
            default:
                log.append("try nothing")
                try await store.collectGarbage()
            }
            log.append("done")
        } catch {
            log.append("refused \(error)")
        }
    }
}
