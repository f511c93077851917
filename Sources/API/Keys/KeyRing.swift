import InferenceRuntime
public import Logging
import Storage
import Synchronization

/// The keys a running server knows, kept up with where they are stored.
///
/// A file is looked at when a request asks and the last look is a second old: an idle server does
/// nothing, and a revoked key is refused at most a second later. A file that has gone missing or
/// is damaged changes nothing but the log: the last good keys stay, no further ones are let in.
///
/// A database is asked several times a second. While it is away the keys that are known count for
/// a minute more.
public final class KeyRing: Sendable {
    private struct State {
        var keys: [String: APIKey]
        var stamp: FileStamp?
        var lastLook: ContinuousClock.Instant
    }

    /// `nil`: the keys are in a database, and a task follows it.
    private let file: KeyFile?
    /// The database; `nil`: the keys are in a file.
    let table: KeyTable?
    private let logger: Logger
    private let state: Mutex<State>
    private static let interval = Duration.seconds(1)
    /// How often a database is asked.
    private static let pollInterval = Duration.milliseconds(300)
    /// How long keys count that could not be compared with the database.
    private static let maximumAge = Duration.seconds(60)

    /// Reads the keys.
    ///
    /// - Throws: `KeyFileError` where they are missing, empty or damaged: a server told to ask for
    ///   keys never starts without them.
    public convenience init(_ store: any KeyStore, logger: Logger) throws(KeyFileError) {
        if let file = store as? KeyFile {
            try self.init(file: file, logger: logger)
            return
        }
        let table = store as? KeyTable
        try self.init(file: nil, table: table, keys: store.load(), logger: logger)
        guard let table else { return }
        Task { [weak self] in
            var revision: Int?
            while !Task.isCancelled {
                guard let self else { return }
                await self.follow(table, since: &revision)
                try? await Task.sleep(for: Self.pollInterval)
            }
        }
    }

    /// Reads a file.
    public convenience init(file: KeyFile, logger: Logger) throws(KeyFileError) {
        if let permissions = FilePermissions.forOthers(file.path) {
            logger.warning(
                "other users of this machine have a right to the key file; 'chmod 600 FILE' ends that",
                metadata: ["file": "\(file.path)", "mode": "\(permissions)"]
            )
        }
        let stamp = FileStamp(path: file.path)
        try self.init(file: file, keys: file.load(), stamp: stamp, logger: logger)
    }

    private init(
        file: KeyFile?,
        table: KeyTable? = nil,
        keys: [APIKey],
        stamp: FileStamp? = nil,
        logger: Logger
    ) throws(KeyFileError) {
        self.file = file
        self.table = table
        self.logger = logger
        if keys.isEmpty { logger.warning("there are no API keys: everybody is refused") }
        self.state = Mutex(State(keys: Self.index(keys), stamp: stamp, lastLook: .now))
    }

    /// The key of that text; `nil` where there is none.
    func key(matching text: String) -> APIKey? {
        let keys = current()
        guard let id = APIKey.claimedID(text), let key = keys[id] else {
            // The same work for an unknown id as for a known one.
            _ = Self.decoy.matches(text)
            return nil
        }
        return key.digest.matches(text) ? key : nil
    }

    /// The key of that id, as long as it is not revoked.
    func key(id: String) -> APIKey? { current()[id] }

    /// Whether a key that is not known may be there all the same, since the database is away.
    var isBehind: Bool {
        file == nil && state.withLock { $0.lastLook.duration(to: .now) > .seconds(2) }
    }

    private static let decoy = KeyDigest(of: "", salt: KeyDigest.newSalt())

    private func current() -> [String: APIKey] {
        state.withLock { state in
            let age = state.lastLook.duration(to: .now)
            guard let file else { return age <= Self.maximumAge ? state.keys : [:] }
            guard age >= Self.interval else { return state.keys }
            state.lastLook = .now
            let stamp = FileStamp(path: file.path)
            guard stamp != state.stamp else { return state.keys }
            state.stamp = stamp
            do throws(KeyFileError) {
                state.keys = Self.index(try file.load())
                logger.info("read the keys again", metadata: ["keys": "\(state.keys.count)"])
            } catch {
                logger.error("the keys stay as they were", metadata: ["reason": "\(error)"])
            }
            return state.keys
        }
    }

    private func follow(_ table: KeyTable, since revision: inout Int?) async {
        let asked = ContinuousClock.now
        do {
            let found = try await table.changes(since: revision)
            revision = found.revision
            state.withLock { state in
                if let keys = found.keys { state.keys = Self.index(keys) }
                state.lastLook = asked
            }
        } catch {
            logger.debug("the keys stay as they were", metadata: ["reason": "\(error)"])
        }
    }

    private static func index(_ keys: [APIKey]) -> [String: APIKey] {
        Dictionary(keys.map { ($0.id, $0) }) { _, last in last }
    }
}
