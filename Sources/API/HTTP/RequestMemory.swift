import InferenceRuntime
import Synchronization

/// Bounds the bytes that requests hold at a time, of all callers and of each: their bodies, and the
/// answers that are collected for them.
///
/// Bodies are counted as they arrive, answers before they begin, both until the request has been
/// answered.
final class RequestMemory: Sendable {
    private let ledger: MemoryLedger
    private let callerLimitBytes: Int
    private let byCaller = Mutex<[String: Int]>([:])

    /// The memory that a ledger has for requests; one caller gets half of it.
    init(_ ledger: MemoryLedger) {
        self.ledger = ledger
        callerLimitBytes = ledger.allotment(of: .requests) / 2
    }

    /// Counts bytes; `caller` `nil` has no share of its own.
    ///
    /// - Throws: 429 beyond the caller's share, 503 beyond all memory for requests.
    fileprivate func take(_ bytes: Int, for caller: String?) throws(APIError) {
        let error = byCaller.withLock { byCaller -> APIError? in
            let used = caller.map { byCaller[$0] ?? 0 } ?? 0
            if caller != nil, bytes > callerLimitBytes - used {
                return .tooManyBytes(callerLimitBytes)
            }
            guard ledger.take(bytes, for: .requests) else { return .memoryFull }
            if let caller { byCaller[caller] = used + bytes }
            return nil
        }
        if let error { throw error }
    }

    fileprivate func giveBack(_ bytes: Int, for caller: String?) {
        ledger.giveBack(bytes, for: .requests)
        guard let caller else { return }
        byCaller.withLock { byCaller in
            guard let used = byCaller[caller] else { return }
            byCaller[caller] = used > bytes ? used - bytes : nil
        }
    }
}

/// What one request holds; gives it back when it goes.
final class RequestReservation: Sendable {
    private struct State {
        var bytes = 0
        var caller: String?
    }

    private let memory: RequestMemory
    private let state = Mutex(State())

    init(_ memory: RequestMemory) {
        self.memory = memory
    }

    deinit {
        let state = state.withLock { $0 }
        if state.bytes > 0 { memory.giveBack(state.bytes, for: state.caller) }
    }

    /// Says whose request it is, before any of it is counted.
    func belongs(to caller: String) {
        state.withLock { if $0.bytes == 0 { $0.caller = caller } }
    }

    /// Counts bytes that have arrived, or that an answer will take.
    func take(_ bytes: Int) throws(APIError) {
        try state.withLock { state throws(APIError) in
            try memory.take(bytes, for: state.caller)
            state.bytes += bytes
        }
    }
}

extension APIError {
    fileprivate static func tooManyBytes(_ limit: Int) -> APIError {
        .tooManyRequests(
            "Your requests and their answers together hold more than \(limit >> 20) MB. Please send "
                + "fewer at a time, or ask for fewer tokens or log-probabilities.",
            type: "requests",
            retryAfter: 1
        )
    }

    fileprivate static let memoryFull = APIError(
        status: .serviceUnavailable,
        message: "The memory for requests and their answers is taken. Please try again, or ask for "
            + "fewer tokens or log-probabilities.",
        type: "server_error",
        code: "server_busy",
        headers: ["Retry-After": "1"]
    )
}
