import DequeModule

/// What one connection does, as a pure state machine: bytes and decisions in, actions out.
///
/// One request is answered at a time. What a client sends ahead waits undecoded in `pending`, and
/// reading pauses where that grows; a body is decoded only as fast as its handler takes it.
struct HTTPConnection {
    /// What the owner of the socket is to do.
    enum Action {
        /// Hand a request to its handler; the body where it is complete already.
        case start(RequestHead, body: [UInt8]?)
        /// Answer without a handler, since the request can't be served.
        case refuse(APIError, RequestHead?)
        /// Tell the handler that waits for the body to ask again.
        case bodyChanged
        /// Send bytes.
        case send([UInt8])
        /// The response is complete, or will never be.
        case finished(Outcome)
        /// Read on, or let the peer wait.
        case read(Bool)
        /// Finish sending, give the peer time to finish too, then close.
        case linger
        /// Close without further ado.
        case close
    }

    /// How a request ended.
    enum Outcome: Equatable {
        /// Its response was sent whole.
        case answered
        /// The client went away, or its time was up.
        case abandoned
    }

    /// What the connection waits for, each with its own time limit.
    enum Waiting: Equatable {
        /// The rest of a request's head.
        case head
        /// The next request.
        case idle
        /// The rest of a body that is wanted.
        case body
        /// A handler whose client has finished sending and may be gone.
        case halfClosed
        /// The end of the peer's bytes, before closing.
        case linger
        /// Nothing of the client's.
        case nothing
    }

    /// Undecoded bytes beyond which reading pauses while a request is answered.
    static let pendingLimit = 64 << 10
    /// Body bytes beyond which reading pauses until the handler takes them.
    static let bodyLimit = 256 << 10
    /// What is left of a body that nobody read, up to which the connection is used again.
    static let discardLimit = 64 << 10
    /// The least bytes a second at which a body may arrive over its whole length.
    static let slowestBody = 1024
    /// Bytes decoded at once, so that a burst of small requests is not all decoded in advance.
    static let decodeBytes = 16 << 10

    /// Where the connection stands.
    enum Phase {
        case idle
        case exchange(Exchange)
        case lingering(flushed: Bool)
        case closed
    }

    /// One step of the decoder, its failure included.
    enum Decoded {
        case event(RequestDecoder.Event)
        case failure(APIError)
    }

    var phase = Phase.idle
    var isDraining = false
    var peerHasEnded = false
    private let headLimit: Int
    private let decoder: RequestDecoder
    private var decoderHasFailed = false
    private var decoded: Deque<Decoded> = []
    private var pending: ArraySlice<UInt8> = []
    private var headBytes = 0
    private var hasServed = false
    private var isReading = true

    /// A connection that has just been accepted.
    init(headBytes limit: Int) {
        headLimit = limit
        decoder = RequestDecoder(headBytes: limit)
    }

    /// What the connection waits for.
    var waiting: Waiting {
        switch phase {
        case .idle: hasServed && headBytes == 0 && pending.isEmpty ? .idle : .head
        case .exchange(let exchange):
            exchange.isWaitingForBody ? .body : peerHasEnded ? .halfClosed : .nothing
        case .lingering(let flushed): flushed ? .linger : .nothing
        case .closed: .nothing
        }
    }

    /// How many bytes of the request's body have arrived.
    var bodyBytes: Int {
        guard case .exchange(let exchange) = phase else { return 0 }
        return exchange.receivedBytes
    }

    /// Takes bytes from the peer.
    mutating func receive(_ bytes: [UInt8]) -> [Action] {
        switch phase {
        case .lingering, .closed: return []
        case .idle, .exchange: break
        }
        if pending.isEmpty { pending = bytes[...] } else { pending += bytes }
        return pump()
    }

    /// The peer has finished sending.
    mutating func receiveEnd() -> [Action] {
        peerHasEnded = true
        switch phase {
        case .idle: return linger()
        case .lingering(let flushed): return flushed ? close() : []
        case .closed: return []
        case .exchange(let exchange):
            // Nobody can finish this request any more, but a complete one may be answered.
            return exchange.request == .receiving ? abandon() : []
        }
    }

    /// The time for what the connection waits for is up.
    mutating func expire() -> [Action] {
        switch waiting {
        case .nothing: return []
        case .idle, .linger: return close()
        case .halfClosed: return abandon()
        case .head:
            guard headBytes > 0 else { return close() }
            return refuse(.tooSlow("The request's head did not arrive in time."), head: nil)
        case .body:
            updateExchange { $0.request = .failed(.tooSlow("The request's body stopped.")) }
            return afterBody()
        }
    }

    /// Finishes what runs, begins nothing new.
    mutating func drain() -> [Action] {
        isDraining = true
        guard case .idle = phase else { return [] }
        return linger()
    }

    /// Everything that was to be sent is with the kernel, the end included.
    mutating func didFinishSending() -> [Action] {
        guard case .lingering = phase else { return [] }
        phase = .lingering(flushed: true)
        return peerHasEnded ? close() : []
    }

    /// The socket broke, or must be closed now.
    mutating func abandon() -> [Action] {
        guard case .exchange(let exchange) = phase, exchange.response != .complete else {
            return close()
        }
        phase = .closed
        return [.finished(.abandoned), .close]
    }

    /// Lets go of the decoder; the connection has been closed.
    func discard() { decoder.close() }

    private mutating func close() -> [Action] {
        if case .closed = phase { return [] }
        phase = .closed
        return [.close]
    }

    /// Sends what is queued, then the end, then waits for the peer's: closing with bytes unread
    /// would make the kernel take back what the peer has not read yet.
    mutating func linger() -> [Action] {
        phase = .lingering(flushed: false)
        pending = []
        decoded = []
        return [.linger] + adjustReading()
    }
}

// MARK: - Decoding

extension HTTPConnection {
    /// Goes on as far as the bytes that are there allow.
    mutating func pump() -> [Action] {
        var actions: [Action] = []
        while true {
            if wantsEvent, let next = decoded.popFirst() {
                actions += process(next)
            } else if wantsEvent, !pending.isEmpty, !decoderHasFailed {
                decodeSome()
            } else {
                break
            }
        }
        actions += begin()
        actions += adjustReading()
        return actions
    }

    /// Whether the next thing the client said may be looked at.
    private var wantsEvent: Bool {
        switch phase {
        case .idle: true
        case .exchange(let exchange):
            exchange.request == .receiving
                && (exchange.body.count < Self.bodyLimit || exchange.isDiscarding)
        case .lingering, .closed: false
        }
    }

    private mutating func decodeSome() {
        let slice = pending.prefix(Self.decodeBytes)
        pending = pending.dropFirst(slice.count)
        if pending.isEmpty { pending = [] }
        if case .idle = phase { headBytes += slice.count }
        var events: [RequestDecoder.Event] = []
        do {
            try decoder.decode(slice, into: &events)
            decoded.append(contentsOf: events.map(Decoded.event))
        } catch {
            decoderHasFailed = true
            decoded.append(contentsOf: events.map(Decoded.event))
            decoded.append(.failure(.undecodable(error, headLimit: headLimit)))
        }
        guard case .idle = phase, events.isEmpty, headBytes > headLimit, !decoderHasFailed else {
            return
        }
        decoderHasFailed = true
        decoded.append(.failure(.undecodable(.headTooLarge, headLimit: headLimit)))
    }

    private mutating func process(_ next: Decoded) -> [Action] {
        switch (next, phase) {
        case (.event(.head(var head)), .idle):
            headBytes = 0
            hasServed = true
            do {
                try head.validate()
                phase = .exchange(Exchange(head: head))
            } catch {
                return refuse(error, head: head)
            }
        case (.failure(let error), .idle):
            return refuse(error, head: nil)
        case (.event(.body(let bytes)), .exchange):
            updateExchange { exchange in
                exchange.receivedBytes += bytes.count
                if !exchange.isDiscarding { exchange.body += bytes }
            }
            return wakeHandler()
        case (.event(.end), .exchange):
            updateExchange { $0.request = .complete }
            return afterBody()
        case (.failure(let error), .exchange):
            updateExchange { $0.request = .failed(error) }
            return afterBody()
        default: break
        }
        return []
    }

    /// Starts the handler of a request whose head has arrived.
    private mutating func begin() -> [Action] {
        guard case .exchange(let exchange) = phase, !exchange.isStarted else { return [] }
        updateExchange { $0.isStarted = true }
        switch exchange.request {
        case .receiving: return [.start(exchange.head, body: nil)]
        case .failed(let error): return [.refuse(error, exchange.head)]
        case .complete:
            updateExchange { $0.body = [] }
            return [.start(exchange.head, body: exchange.body)]
        }
    }

    /// Answers a request that can't be served; nothing after it is looked at.
    private mutating func refuse(_ error: APIError, head: RequestHead?) -> [Action] {
        var exchange = Exchange(
            head: head
                ?? RequestHead(method: .get, target: "", isVersion11: true, headers: [:])
        )
        exchange.request = .failed(error)
        exchange.isStarted = true
        phase = .exchange(exchange)
        return [.refuse(error, head)]
    }

    /// The body has ended, well or not: whoever waits for it must know, and where the response is
    /// out already the connection moves on.
    private mutating func afterBody() -> [Action] {
        guard case .exchange(let exchange) = phase else { return [] }
        if exchange.response == .complete { return finishExchange(exchange) }
        return wakeHandler()
    }

    /// Tells a handler that waits for the body, once.
    private mutating func wakeHandler() -> [Action] {
        guard case .exchange(let exchange) = phase, exchange.isWaitingForBody,
            exchange.response != .complete
        else { return [] }
        updateExchange { $0.isWaitingForBody = false }
        return [.bodyChanged]
    }

    private mutating func adjustReading() -> [Action] {
        let wanted: Bool
        switch phase {
        case .idle, .lingering: wanted = true
        case .closed: return []
        case .exchange: wanted = pending.count < Self.pendingLimit
        }
        guard wanted != isReading else { return [] }
        isReading = wanted
        return [.read(wanted)]
    }

    mutating func updateExchange(_ change: (inout Exchange) -> Void) {
        guard case .exchange(var exchange) = phase else { return }
        phase = .closed
        change(&exchange)
        phase = .exchange(exchange)
    }
}
