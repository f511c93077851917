import InferenceRuntime
public import Logging
import Storage
import Synchronization

/// The keys a running server knows, kept up with the key file.
///
/// The file is looked at when a request asks and the last look is a second old: an idle server does
/// nothing, and a revoked key is refused at most a second later. A file that has gone missing or
/// is damaged changes nothing but the log: the last good keys stay, no further ones are let in.
public final class KeyRing: Sendable {
    private struct State {
        var keys: [String: APIKey]
        var stamp: FileStamp?
        var lastLook: ContinuousClock.Instant
    }

    private let file: KeyFile
    private let logger: Logger
    private let state: Mutex<State>
    private static let interval = Duration.seconds(1)

    /// Reads the file.
    ///
    /// - Throws: `KeyFileError` where it is missing, empty or damaged: a server told to ask for keys
    ///   never starts without them.
    public init(file: KeyFile, logger: Logger) throws(KeyFileError) {
        self.file = file
        self.logger = logger
        let stamp = FileStamp(path: file.path)
        let keys = try file.load()
        if let permissions = FilePermissions.forOthers(file.path) {
            logger.warning(
                "other users of this machine have a right to the key file; 'chmod 600 FILE' ends that",
                metadata: ["file": "\(file.path)", "mode": "\(permissions)"]
            )
        }
        if keys.isEmpty { logger.warning("the key file has no keys: everybody is refused") }
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

    private static let decoy = KeyDigest(of: "", salt: KeyDigest.newSalt())

    private func current() -> [String: APIKey] {
        state.withLock { state in
            guard state.lastLook.duration(to: .now) >= Self.interval else { return state.keys }
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

    private static func index(_ keys: [APIKey]) -> [String: APIKey] {
        Dictionary(keys.map { ($0.id, $0) }) { _, last in last }
    }
}
