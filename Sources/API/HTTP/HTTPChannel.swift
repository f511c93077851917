import Glibc
import Logging

/// One client: performs on a socket what its `HTTPConnection` decides.
@LoopActor
final class HTTPChannel {
    /// What all channels of a server share.
    @LoopActor
    final class Environment {
        let configuration: ServerConfiguration
        let handler: any HTTPHandler
        let logger: Logger
        let memory: RequestMemory
        private var date = HTTPDate()

        init(configuration: ServerConfiguration, handler: any HTTPHandler, logger: Logger) {
            self.configuration = configuration
            self.handler = handler
            self.logger = logger
            memory = RequestMemory(configuration.memory)
        }

        /// The `Date` field of now.
        var now: String { date.text(at: time(nil)) }
    }

    let environment: Environment
    let transport: HTTPTransport
    var machine: HTTPConnection
    private(set) var exchange: HTTPExchange?
    private var bodyWaiter: CheckedContinuation<Void, Never>?
    private var bodyHasChanged = false
    private var outgoing: [UInt8] = []
    private var clock: ChannelClock?
    private let didClose: @LoopActor (HTTPChannel) -> Void

    /// Takes over a connection; `didClose` is called once.
    init(
        _ transport: HTTPTransport,
        environment: Environment,
        didClose: @escaping @LoopActor (HTTPChannel) -> Void
    ) throws(UVError) {
        self.transport = transport
        self.environment = environment
        self.didClose = didClose
        machine = HTTPConnection(headBytes: environment.configuration.limits.headBytes)
        do throws(UVError) {
            clock = try ChannelClock(environment.configuration.timeouts) { [weak self] alarm in
                self?.timeIsUp(alarm)
            }
        } catch {
            machine.discard()
            throw error
        }
        transport.start { [weak self] event in self?.handle(event) }
        settle(progress: true)
    }

    /// Finishes what runs and closes.
    func drain() { perform(machine.drain()) }

    /// Closes at once.
    func abandon() { perform(machine.abandon()) }

    private func handle(_ event: TCPConnection.Event) {
        switch event {
        case .received(let bytes): perform(machine.receive(bytes))
        case .endOfInput: perform(machine.receiveEnd())
        case .finishedWriting: perform(machine.didFinishSending())
        case .broken: perform(machine.abandon())
        case .wrote: settle(progress: false)
        }
    }

    private func timeIsUp(_ alarm: ChannelClock.Alarm) {
        switch alarm {
        case .client: perform(machine.expire())
        case .write: perform(machine.abandon())
        case .silence(let filler):
            guard let exchange else { return }
            exchange.outbox.fill(filler)
            collect(from: exchange)
        }
    }

    /// Does what the machine decided, then sends what that produced.
    private func perform(_ actions: [HTTPConnection.Action]) {
        for action in actions { perform(action) }
        settle(progress: true)
    }

    private func perform(_ action: HTTPConnection.Action) {
        switch action {
        case .start(let head, let body): start(head, body)
        case .refuse(let error, let head): refuse(error, head)
        case .bodyChanged: wakeBodyWaiter()
        case .send(let bytes): outgoing += bytes
        case .finished(let outcome): finish(outcome)
        case .read(let isReading): transport.isReading = isReading
        case .linger:
            flush()
            transport.finishWriting()
        case .close: close()
        }
    }

    private func flush() {
        guard !outgoing.isEmpty else { return }
        clock?.note(queuedBytes: transport.queuedBytes)
        transport.write(outgoing)
        exchange?.sentBytes += outgoing.count
        outgoing = []
    }

    /// Sends what is queued, tells the producer how far the client is, and sets the alarms.
    private func settle(progress: Bool) {
        flush()
        let queued = transport.queuedBytes
        exchange?.outbox.update(backlog: queued)
        clock?.note(queuedBytes: queued)
        clock?.set(machine.waiting, progress: progress, bodyBytes: machine.bodyBytes)
    }

    private func close() {
        guard let clock else { return }
        clock.close()
        self.clock = nil
        transport.close()
        machine.discard()
        wakeBodyWaiter()
        didClose(self)
    }
}

// MARK: - Exchanges

extension HTTPChannel {
    private func start(_ head: RequestHead, _ body: [UInt8]?) {
        let exchange = open(head, body)
        exchange.run(environment.handler, logger: environment.logger) { [weak self] filler in
            EventLoop.shared.post { self?.clock?.fillSilence(with: filler) }
        }
    }

    private func refuse(_ error: APIError, _ head: RequestHead?) {
        let head = head ?? RequestHead(method: .get, target: "", isVersion11: true, headers: [:])
        let exchange = open(head, [])
        let response = error.response
        guard case .bytes(let bytes) = response.body else { return }
        let length = HTTPConnection.BodyLength.bytes(bytes.count)
        exchange.outbox.send(
            ResponseOutbox.Head(status: error.status, headers: response.headers, length: length),
            bytes
        )
        collect(from: exchange)
    }

    private func open(_ head: RequestHead, _ body: [UInt8]?) -> HTTPExchange {
        let source = ChannelBody(self)
        var request = HTTPRequest(
            method: head.method,
            target: head.target,
            headers: head.headers,
            body: body.map { HTTPBody($0) }
                ?? HTTPBody(source: source, declaredLength: head.contentLength, limit: .max),
            id: RequestID.choose(head.headers["x-request-id"]),
            remoteAddress: transport.remoteAddress
        )
        let limit = environment.configuration.limits.bodyBytes
        request.body.limit = limit
        request.body.reservation = RequestReservation(environment.memory)
        let outbox = ResponseOutbox { [weak self] in
            EventLoop.shared.post {
                guard let self, let exchange = self.exchange else { return }
                self.collect(from: exchange)
            }
        }
        let exchange = HTTPExchange(request, outbox: outbox)
        source.exchange = exchange
        clock?.beginBody()
        self.exchange = exchange
        return exchange
    }

    /// Takes what the handler has left for the client.
    private func collect(from exchange: HTTPExchange) {
        guard exchange === self.exchange else { return }
        let delivery = exchange.outbox.take()
        if let head = delivery.head {
            exchange.status = head.status
            let fields = responseFields(exchange, head.headers)
            perform(each: machine.beginResponse(head.status, fields, length: head.length))
        }
        if !delivery.bytes.isEmpty {
            perform(each: machine.sendBody(delivery.bytes))
            clock?.didSpeak()
        }
        if delivery.isAborted {
            perform(machine.abandon())
        } else if delivery.isEnd {
            perform(machine.endResponse())
        } else {
            settle(progress: false)
        }
    }

    private func perform(each actions: [HTTPConnection.Action]) {
        for action in actions { perform(action) }
    }

    private func responseFields(_ exchange: HTTPExchange, _ own: HTTPHeaders) -> HTTPHeaders {
        let elapsed = exchange.begunAt.duration(to: .now)
        var fields: HTTPHeaders = [
            "Date": environment.now,
            "Server": "facet",
            "x-request-id": exchange.request.id,
            "openai-processing-ms": String(elapsed.milliseconds),
        ]
        fields.merge(own)
        return fields
    }

    private func finish(_ outcome: HTTPConnection.Outcome) {
        guard let exchange else { return }
        flush()
        self.exchange = nil
        clock?.fillSilence(with: nil)
        AccessLog.write(exchange, outcome, to: environment.logger)
        if outcome == .abandoned { exchange.cancel() }
        wakeBodyWaiter()
    }
}

// MARK: - Request bodies

extension HTTPChannel {
    private func wakeBodyWaiter() {
        bodyHasChanged = true
        bodyWaiter?.resume()
        bodyWaiter = nil
    }

    /// The next chunk for the handler of `exchange`.
    fileprivate func nextBodyChunk(
        for exchange: HTTPExchange
    ) async throws(APIError) -> [UInt8]? {
        while exchange === self.exchange {
            bodyHasChanged = false
            let (step, actions) = machine.takeBody()
            perform(actions)
            switch step {
            case .bytes(let bytes): return bytes
            case .end: return nil
            case .failed(let error): throw error
            case .wait:
                if bodyHasChanged { continue }
                await withCheckedContinuation { bodyWaiter = $0 }
            }
        }
        throw .clientIsGone
    }
}

/// The body of a request as its handler reads it.
@LoopActor
private final class ChannelBody: HTTPBodySource {
    private weak var channel: HTTPChannel?
    weak var exchange: HTTPExchange?

    init(_ channel: HTTPChannel) { self.channel = channel }

    @LoopActor func next() async throws(APIError) -> [UInt8]? {
        guard let channel, let exchange else { throw .clientIsGone }
        return try await channel.nextBodyChunk(for: exchange)
    }
}
