import CPostgres
import GRDB
import Glibc
import InferenceRuntime

/// A session with a PostgreSQL server.
///
/// Every wait has an end: a server that is stopped, or behind a network that swallows packets, is an
/// error after `patience` and never a hanging thread.
///
/// Owner: one thread at a time, the one that took it out of its `PostgresPool`.
final class PostgresConnection: @unchecked Sendable {
    private let handle: OpaquePointer
    private let patience: Duration
    /// Names of prepared statements, by SQL and types of parameters.
    private var prepared: [String: String] = [:]
    private static let maximumPrepared = 256

    /// Opens a session; its statements and transactions are bounded in time on the server too, so
    /// that a process that stops in the middle of one keeps its locks for seconds only.
    init(url: String, patience: Duration) throws(PostgresError) {
        guard let handle = PQconnectStart(url) else { throw PostgresError("out of memory") }
        self.handle = handle
        self.patience = patience
        let deadline = ContinuousClock.now + patience
        var state = PGRES_POLLING_WRITING
        while state != PGRES_POLLING_OK {
            switch state {
            case PGRES_POLLING_READING: try wait(POLLIN, until: deadline)
            case PGRES_POLLING_WRITING: try wait(POLLOUT, until: deadline)
            default: throw .connection(handle)
            }
            state = PQconnectPoll(handle)
        }
        PQsetnonblocking(handle, 1)
        let limit = Int(patience / .milliseconds(1))
        try script(
            """
            SET statement_timeout = \(limit);
            SET idle_in_transaction_session_timeout = \(2 * limit);
            SET standard_conforming_strings = on;
            SET client_min_messages = warning;
            """
        )
    }

    deinit { PQfinish(handle) }

    /// Whether another transaction can begin on it.
    var isIdle: Bool {
        PQstatus(handle) == CONNECTION_OK && PQtransactionStatus(handle) == PQTRANS_IDLE
    }

    /// Rows of a statement, or how many rows it changed.
    struct Answer {
        var rows: [Row] = []
        var changes = 0
    }

    /// Runs one statement, prepared once per session.
    /// - Parameter values: For `$1`, `$2`, ….
    func run(_ sql: String, _ values: [DatabaseValue] = []) throws(PostgresError) -> Answer {
        let parameters = values.map { PostgresParameter($0) }
        let types = parameters.map(\.type)
        let name = try prepare(sql, types)
        let texts: [UnsafeMutablePointer<CChar>?] = parameters.map {
            $0.text.map { strdup($0) } ?? nil
        }
        defer { for text in texts { free(text) } }
        let sent = texts.map { UnsafePointer($0) }.withUnsafeBufferPointer {
            PQsendQueryPrepared(handle, name, Int32(texts.count), $0.baseAddress, nil, nil, 0)
        }
        guard sent == 1 else { throw .connection(handle) }
        return try answer()
    }

    /// Runs statements without parameters, all of them or none.
    func script(_ sql: String) throws(PostgresError) {
        guard PQsendQuery(handle, sql) == 1 else { throw .connection(handle) }
        _ = try answer()
    }

    private func prepare(_ sql: String, _ types: [Oid]) throws(PostgresError) -> String {
        let key = types.map { "\($0)," }.joined() + sql
        if let name = prepared[key] { return name }
        if prepared.count >= Self.maximumPrepared {
            try script("DEALLOCATE ALL")
            prepared = [:]
        }
        let name = "facet_\(prepared.count)"
        let sent = types.withUnsafeBufferPointer {
            PQsendPrepare(handle, name, sql, Int32(types.count), $0.baseAddress)
        }
        guard sent == 1 else { throw .connection(handle) }
        _ = try answer()
        prepared[key] = name
        return name
    }

    /// Sends what is buffered and waits for all results; the first failure counts.
    private func answer() throws(PostgresError) -> Answer {
        let deadline = ContinuousClock.now + patience
        while true {
            let left = PQflush(handle)
            if left == 0 { break }
            guard left == 1 else { throw .connection(handle) }
            try wait(POLLIN | POLLOUT, until: deadline)
            guard PQconsumeInput(handle) == 1 else { throw .connection(handle) }
        }
        var answer = Answer()
        var failure: PostgresError?
        while true {
            while PQisBusy(handle) == 1 {
                try wait(POLLIN, until: deadline)
                guard PQconsumeInput(handle) == 1 else { throw .connection(handle) }
            }
            guard let result = PQgetResult(handle) else { break }
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK:
                answer.rows = PostgresRows.all(of: result)
                answer.changes = Int(String(cString: PQcmdTuples(result))) ?? 0
            case PGRES_EMPTY_QUERY: break
            default: failure = failure ?? PostgresError(result)
            }
        }
        if let failure { throw failure }
        guard PQstatus(handle) == CONNECTION_OK else { throw .connection(handle) }
        return answer
    }

    private func wait(_ events: Int32, until deadline: ContinuousClock.Instant)
        throws(PostgresError)
    {
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { throw PostgresError.silence }
            var descriptor = pollfd(fd: PQsocket(handle), events: Int16(events), revents: 0)
            let count = poll(&descriptor, 1, Int32(max(1, left / .milliseconds(1))))
            if count > 0 { return }
            if count < 0, errno != EINTR { throw PostgresError("poll: errno \(errno)") }
        }
    }
}
