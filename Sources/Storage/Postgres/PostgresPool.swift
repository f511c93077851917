import GRDB
import Glibc
import InferenceRuntime
import Synchronization

/// A PostgreSQL database that is away: what was asked for may work again in seconds.
public struct DatabaseOutage: Error, Sendable, Hashable, CustomStringConvertible {
    /// What went wrong, for the log.
    public let reason: String

    /// A sentence for the one who asked.
    public var description: String {
        "The database cannot be reached at the moment (\(reason)). Try again in a few seconds."
    }
}

/// Sessions with one PostgreSQL database, and the transactions on them.
///
/// A transaction that loses against another is run again. After a failure to reach the database
/// everybody else is refused at once for a moment, so that nobody waits in a row for the same
/// timeout.
final class PostgresPool: Sendable {
    /// A session, and a database in memory with the same empty tables: GRDB compiles requests there.
    struct Session: Sendable {
        let connection: PostgresConnection
        let schema: DatabaseQueue
    }

    private struct State {
        var idle: [Session] = []
        var outage: (until: ContinuousClock.Instant, reason: String)?
    }

    private let url: String
    private let schema: @Sendable () throws -> DatabaseQueue
    private let state = Mutex(State())

    /// How long one statement may take before the database counts as away.
    private static let patience = Duration.seconds(3)
    /// How long nobody asks after it was found away.
    private static let pause = Duration.milliseconds(300)
    private static let maximumConflicts = 30
    private static let maximumIdle = 8

    init(url: String, schema: @escaping @Sendable () throws -> DatabaseQueue) {
        self.url = url
        self.schema = schema
    }

    /// Runs `body` between `begin` and COMMIT; again where others were faster.
    ///
    /// - Throws: What `body` throws, after ROLLBACK; `DatabaseOutage` where the database is away.
    func transaction<Value>(
        _ begin: String,
        _ body: (Session) throws -> Value
    ) throws -> Value {
        var conflicts = 0
        while true {
            let session = try self.begin(begin)
            do {
                let value = try body(session)
                _ = try session.connection.run("COMMIT")
                giveBack(session)
                return value
            } catch let error as PostgresError where error.isOutage {
                throw noteOutage(error)
            } catch {
                rollBack(session)
                guard let error = error as? PostgresError, error.isConflict,
                    conflicts < Self.maximumConflicts
                else { throw error }
                conflicts += 1
                usleep(UInt32.random(in: 500...4_000) * UInt32(min(conflicts, 8)))
            }
        }
    }

    /// Runs `body` on a session of its own, outside of transactions and with more patience.
    static func alone<Value>(
        _ url: String,
        _ body: (PostgresConnection) throws -> Value
    ) throws -> Value {
        do {
            return try body(PostgresConnection(url: url, patience: .seconds(30)))
        } catch let error as PostgresError where error.isOutage {
            throw DatabaseOutage(reason: error.description)
        }
    }

    /// A session on which a transaction has begun: one that is idle and still there, or a new one.
    private func begin(_ statement: String) throws -> Session {
        let (idle, outage) = state.withLock { ($0.idle.popLast(), $0.outage) }
        if let outage, ContinuousClock.now < outage.until {
            if let idle { giveBack(idle) }
            throw DatabaseOutage(reason: outage.reason)
        }
        if let idle {
            do throws(PostgresError) {
                _ = try idle.connection.run(statement)
                return idle
            } catch  where error == .silence {
                // A new session would wait as long again.
                throw noteOutage(error)
            } catch {
                // The server has been restarted, most likely; the others are gone too.
                state.withLock { $0.idle = [] }
            }
        }
        do throws(PostgresError) {
            let connection = try PostgresConnection(url: url, patience: Self.patience)
            _ = try connection.run(statement)
            state.withLock { $0.outage = nil }
            return Session(connection: connection, schema: try Self.make(schema))
        } catch {
            throw noteOutage(error)
        }
    }

    private static func make(
        _ schema: @Sendable () throws -> DatabaseQueue
    ) throws(PostgresError) -> DatabaseQueue {
        do {
            return try schema()
        } catch {
            throw PostgresError(state: "XX000", message: "\(error)")
        }
    }

    private func noteOutage(_ error: PostgresError) -> DatabaseOutage {
        state.withLock { state in
            state.outage = (.now + Self.pause, error.description)
            state.idle = []
        }
        return DatabaseOutage(reason: error.description)
    }

    private func rollBack(_ session: Session) {
        do throws(PostgresError) {
            _ = try session.connection.run("ROLLBACK")
            giveBack(session)
        } catch {
            // The session is closed, and the server rolls back by itself.
        }
    }

    private func giveBack(_ session: Session) {
        guard session.connection.isIdle else { return }
        state.withLock { state in
            if state.idle.count < Self.maximumIdle { state.idle.append(session) }
        }
    }
}
