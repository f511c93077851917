import Synchronization

/// Where a handler's task leaves its response, and the loop takes it from.
///
/// A write appends under a lock and rings the loop only when nothing was waiting there: many small
/// events cost one wake-up. A producer that is ahead of its client waits in `write`.
final class ResponseOutbox: HTTPBodyDestination {
    /// The head of a response.
    struct Head: Sendable {
        var status: HTTPStatus
        var headers: HTTPHeaders
        var length: HTTPConnection.BodyLength
    }

    /// What the loop takes at once.
    struct Delivery {
        var head: Head?
        var bytes: [UInt8] = []
        var isEnd = false
        var isAborted = false
    }

    /// Unsent bytes beyond which a producer waits.
    static let highWater = 128 << 10
    /// Unsent bytes below which it goes on.
    static let lowWater = 32 << 10

    private struct State {
        var waiting = Delivery()
        var headWasTaken = false
        var isRinging = false
        var isClosed = false
        var backlog = 0
        var producer: CheckedContinuation<Void, Never>?

        mutating func needsRing() -> Bool {
            defer { isRinging = true }
            return !isRinging && !isClosed
        }
    }

    private let state = Mutex(State())
    private let ring: @Sendable () -> Void

    /// Makes an outbox that calls `ring` when the loop is to take something.
    init(ring: @escaping @Sendable () -> Void) { self.ring = ring }

    /// Sets the head; it goes out with the first bytes or the end.
    ///
    /// Answers whether the head was still free to be chosen.
    @discardableResult
    func begin(_ head: Head) -> Bool {
        state.withLock { state in
            guard !state.headWasTaken else { return false }
            state.waiting = Delivery(head: head)
            return true
        }
    }

    /// Whether nothing of the response has been sent.
    var headIsFree: Bool { state.withLock { !$0.headWasTaken } }

    func write(_ bytes: [UInt8]) async throws {
        let (needsRing, isAhead) = try state.withLock { state throws(CancellationError) in
            guard !state.isClosed else { throw CancellationError() }
            state.waiting.bytes += bytes
            let isAhead = state.backlog + state.waiting.bytes.count > Self.highWater
            return (bytes.isEmpty ? false : state.needsRing(), isAhead)
        }
        if needsRing { ring() }
        guard isAhead else { return }
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                let unsent = state.backlog + state.waiting.bytes.count
                guard unsent > Self.lowWater, !state.isClosed else { return true }
                state.producer = continuation
                return false
            }
            if isReady { continuation.resume() }
        }
        if state.withLock({ $0.isClosed }) { throw CancellationError() }
    }

    /// Sends a whole response.
    func send(_ head: Head, _ bytes: [UInt8]) {
        finish { state in
            guard !state.headWasTaken else { return }
            state.waiting = Delivery(head: head, bytes: bytes, isEnd: true)
        }
    }

    /// Nothing follows.
    func end() { finish { $0.waiting.isEnd = true } }

    /// Nothing follows, and what was sent is not the whole.
    func abort() { finish { $0.waiting.isAborted = true } }

    private func finish(_ change: (inout State) -> Void) {
        let needsRing = state.withLock { state in
            change(&state)
            return state.needsRing()
        }
        if needsRing { ring() }
    }
}

// MARK: - The loop's side

extension ResponseOutbox {
    /// Takes what there is.
    func take() -> Delivery {
        state.withLock { state in
            state.isRinging = false
            var delivery = Delivery()
            swap(&delivery, &state.waiting)
            if delivery.head != nil { state.headWasTaken = true }
            return delivery
        }
    }

    /// Adds bytes where the producer has left none, so that the client hears something.
    func fill(_ bytes: [UInt8]) {
        state.withLock { state in
            guard state.waiting.bytes.isEmpty, !state.waiting.isEnd, !state.waiting.isAborted,
                state.backlog == 0, state.headWasTaken || state.waiting.head != nil
            else { return }
            state.waiting.bytes = bytes
        }
    }

    /// Says how much the connection holds unsent; lets the producer go on where that is little.
    func update(backlog: Int) {
        let producer = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.backlog = backlog
            guard backlog + state.waiting.bytes.count <= Self.lowWater else { return nil }
            defer { state.producer = nil }
            return state.producer
        }
        producer?.resume()
    }

    /// The client is gone: writing is an error from now on.
    func close() {
        let producer = state.withLock { state in
            state.isClosed = true
            state.waiting = Delivery()
            defer { state.producer = nil }
            return state.producer
        }
        producer?.resume()
    }
}
