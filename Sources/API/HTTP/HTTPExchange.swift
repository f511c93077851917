import InferenceRuntime
import Logging

/// One request in the hands of its handler, and the way back for its response.
@LoopActor
final class HTTPExchange {
    let request: HTTPRequest
    let outbox: ResponseOutbox
    let begunAt: ContinuousClock.Instant
    /// The status that was sent, once it was.
    var status: HTTPStatus?
    var sentBytes = 0
    private var task: Task<Void, Never>?

    init(_ request: HTTPRequest, outbox: ResponseOutbox) {
        self.request = request
        self.outbox = outbox
        begunAt = .now
    }

    /// Runs the handler off the loop.
    func run(
        _ handler: any HTTPHandler,
        logger: Logger,
        setFiller: @escaping @Sendable (HTTPBodyStream.Filler) -> Void
    ) {
        let worker = ExchangeWorker(
            request: request,
            outbox: outbox,
            logger: logger,
            setFiller: setFiller
        )
        task = Task.detached { await worker.run(handler) }
    }

    /// Tells the handler that nobody waits for it any more.
    func cancel() {
        outbox.close()
        task?.cancel()
    }
}

/// The part of an exchange that runs in the handler's task.
private struct ExchangeWorker: Sendable {
    let request: HTTPRequest
    let outbox: ResponseOutbox
    let logger: Logger
    let setFiller: @Sendable (HTTPBodyStream.Filler) -> Void

    /// Calls the handler and delivers what it answers.
    func run(_ handler: any HTTPHandler) async {
        do {
            try await deliver(await handler.handle(request))
        } catch {
            fail(error)
        }
        if mayHaveBeenLarge { FreeMemory.releaseSoon() }
    }

    /// Whether it is worth looking for memory that nobody needs any more.
    private var mayHaveBeenLarge: Bool {
        request.headers["transfer-encoding"] != nil || request.body.declaredLength ?? 0 >= 1 << 20
    }

    private func deliver(_ response: HTTPResponse) async throws {
        switch response.body {
        case .bytes(let bytes):
            outbox.send(head(of: response, .bytes(bytes.count)), bytes)
        case .file(let path, let holder):
            try await send(response, file: path)
            withExtendedLifetime(holder) {}
        case .stream(let stream):
            outbox.begin(head(of: response, .unknown))
            if request.method != .head {
                if let filler = stream.filler { setFiller(filler) }
                do {
                    try await stream.produce(HTTPBodyWriter(outbox))
                } catch  where stream.filler != nil {
                    try await failStream(error)
                }
            }
            outbox.end()
        }
    }

    private func send(_ response: HTTPResponse, file path: String) async throws {
        let file = try await LoopFile.open(reading: path)
        outbox.begin(head(of: response, .bytes(try await file.size())))
        while request.method != .head {
            let bytes = try await file.read(upTo: 64 << 10)
            guard !bytes.isEmpty else { break }
            try await outbox.write(bytes)
        }
        try await file.close()
        outbox.end()
    }

    /// Answers with the error where nothing has been sent; else cuts the response.
    private func fail(_ error: any Error) {
        let response = apiError(error).response
        guard case .bytes(let bytes) = response.body,
            outbox.begin(head(of: response, .bytes(bytes.count)))
        else { return outbox.abort() }
        outbox.send(head(of: response, .bytes(bytes.count)), bytes)
    }

    /// Tells a client of a begun event stream, who knows `error` events.
    private func failStream(_ error: any Error) async throws {
        guard !(error is CancellationError), !outbox.headIsFree else { throw error }
        let error = apiError(error)
        let event = ServerSentEvent(name: error.wording?.event, error.json)
        try await EventStream(HTTPBodyWriter(outbox)).send(event)
    }

    private func apiError(_ error: any Error) -> APIError {
        if let error = error as? APIError { return error }
        if !(error is CancellationError) {
            logger.error(
                "a handler failed",
                metadata: [
                    "error": "\(error)", "path": "\(request.path)", "request_id": "\(request.id)",
                ]
            )
        }
        return .internalError
    }

    private func head(
        of response: HTTPResponse,
        _ length: HTTPConnection.BodyLength
    ) -> ResponseOutbox.Head {
        ResponseOutbox.Head(status: response.status, headers: response.headers, length: length)
    }
}
