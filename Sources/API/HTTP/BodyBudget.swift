import Synchronization

/// Bounds the bytes of request bodies that are in memory at a time, of all callers and of each.
///
/// A body is counted as it arrives and until its request has been answered.
final class BodyBudget: Sendable {
    private struct State {
        var total = 0
        var byCaller: [String: Int] = [:]
    }

    private let limit: Int
    private let callerLimit: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - limit: Bytes of all bodies.
    ///   - callerLimit: Bytes of one caller's.
    init(limit: Int, callerLimit: Int) {
        self.limit = limit
        self.callerLimit = callerLimit
    }

    /// Counts bytes; `caller` `nil` has no share of its own.
    ///
    /// - Throws: 429 beyond the caller's share, 503 beyond all memory for bodies.
    fileprivate func take(_ bytes: Int, for caller: String?) throws(APIError) {
        let error = state.withLock { state -> APIError? in
            let used = caller.map { state.byCaller[$0] ?? 0 } ?? 0
            if caller != nil, bytes > callerLimit - used { return .tooManyBodies(callerLimit) }
            if bytes > limit - state.total { return .bodiesFull }
            state.total += bytes
            if let caller { state.byCaller[caller] = used + bytes }
            return nil
        }
        if let error { throw error }
    }

    fileprivate func giveBack(_ bytes: Int, for caller: String?) {
        state.withLock { state in
            state.total -= bytes
            guard let caller, let used = state.byCaller[caller] else { return }
            state.byCaller[caller] = used > bytes ? used - bytes : nil
        }
    }
}

/// What the body of one request holds of the budget; gives it back when it goes.
final class BodyReservation: Sendable {
    private struct State {
        var bytes = 0
        var caller: String?
    }

    private let budget: BodyBudget
    private let state = Mutex(State())

    init(_ budget: BodyBudget) {
        self.budget = budget
    }

    deinit {
        let state = state.withLock { $0 }
        if state.bytes > 0 { budget.giveBack(state.bytes, for: state.caller) }
    }

    /// Says whose body it is, before any of it is counted.
    func belongs(to caller: String) {
        state.withLock { if $0.bytes == 0 { $0.caller = caller } }
    }

    /// Counts bytes that have arrived.
    func take(_ bytes: Int) throws(APIError) {
        try state.withLock { state throws(APIError) in
            try budget.take(bytes, for: state.caller)
            state.bytes += bytes
        }
    }
}

extension APIError {
    fileprivate static func tooManyBodies(_ limit: Int) -> APIError {
        .tooManyRequests(
            "Your requests together hold more than \(limit) bytes of bodies. Please send fewer at "
                + "a time.",
            type: "requests",
            retryAfter: 1
        )
    }

    fileprivate static let bodiesFull = APIError(
        status: .serviceUnavailable,
        message: "The server holds as many bytes of request bodies as it may. Please try again.",
        type: "server_error",
        code: "server_busy",
        headers: ["Retry-After": "1"]
    )
}
