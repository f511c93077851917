extension HTTPConnection {
    /// One request and its response, on the wire.
    struct Exchange {
        /// How much of the request is there.
        enum Request: Equatable {
            case receiving
            case complete
            case failed(APIError)
        }

        /// How much of the response is out.
        enum Response: Equatable {
            case awaited
            case begun(Framing)
            case complete
        }

        /// How the end of a response is told.
        enum Framing: Equatable {
            /// By `Content-Length`; so many bytes are left.
            case length(Int)
            /// By the last chunk.
            case chunked
            /// By the end of the connection.
            case close
            /// There is no body, whatever the head says.
            case none
        }

        let head: RequestHead
        var request = Request.receiving
        var response = Response.awaited
        var body: [UInt8] = []
        var receivedBytes = 0
        var isStarted = false
        var isWaitingForBody = false
        var isDiscarding = false
        var keepsAlive: Bool
        var mustSendContinue: Bool

        init(head: RequestHead) {
            self.head = head
            keepsAlive = head.wantsKeepAlive
            mustSendContinue = head.expectsContinue
        }

        /// Whether the rest of the request is too long to be read for nothing.
        var restIsTooLong: Bool {
            guard request == .receiving else { return request != .complete }
            guard !mustSendContinue, let length = head.contentLength else { return true }
            return length - receivedBytes > HTTPConnection.discardLimit
        }
    }
}

// MARK: - The request's body

extension HTTPConnection {
    /// What a handler that asks for the body gets.
    enum BodyStep {
        /// Bytes.
        case bytes([UInt8])
        /// There are no more.
        case end
        /// There will be no more.
        case failed(APIError)
        /// Ask again after `bodyChanged`.
        case wait
    }

    /// The handler asks for the next part of the body.
    mutating func takeBody() -> (step: BodyStep, actions: [Action]) {
        guard case .exchange(let exchange) = phase else { return (.failed(.clientIsGone), []) }
        updateExchange { $0.isWaitingForBody = false }
        if case .failed(let error) = exchange.request { return (.failed(error), []) }
        if !exchange.body.isEmpty {
            updateExchange { $0.body = [] }
            return (.bytes(exchange.body), pump())
        }
        guard exchange.request == .receiving else { return (.end, []) }
        updateExchange {
            $0.isWaitingForBody = true
            $0.mustSendContinue = false
        }
        guard exchange.mustSendContinue, exchange.receivedBytes == 0 else { return (.wait, pump()) }
        return (.wait, [.send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))] + pump())
    }
}

// MARK: - The response

extension HTTPConnection {
    /// How long a response's body is.
    enum BodyLength: Equatable {
        /// So many bytes.
        case bytes(Int)
        /// Known only when it ends.
        case unknown
    }

    /// Begins the response; `fields` are complete but for what frames the message.
    mutating func beginResponse(
        _ status: HTTPStatus,
        _ fields: HTTPHeaders,
        length: BodyLength
    ) -> [Action] {
        guard case .exchange(let exchange) = phase, exchange.response == .awaited else { return [] }
        var fields = fields
        var framing: Exchange.Framing
        switch length {
        case .bytes(let count):
            framing = .length(count)
            if !status.forbidsBody { fields["Content-Length"] = String(count) }
        case .unknown:
            framing = exchange.head.isVersion11 ? .chunked : .close
            if framing == .chunked { fields["Transfer-Encoding"] = "chunked" }
        }
        let keepsAlive =
            exchange.keepsAlive && !isDraining && !peerHasEnded && framing != .close
            && !exchange.restIsTooLong
        if status.forbidsBody || exchange.head.method == .head { framing = .none }
        fields["Connection"] =
            keepsAlive ? (exchange.head.isVersion11 ? nil : "keep-alive") : "close"
        updateExchange {
            $0.keepsAlive = keepsAlive
            $0.response = .begun(framing)
        }
        return [.send(ResponseHead.serialize(status, fields))]
    }

    /// Sends a part of the body.
    mutating func sendBody(_ bytes: [UInt8]) -> [Action] {
        guard case .exchange(let exchange) = phase, case .begun(let framing) = exchange.response,
            !bytes.isEmpty
        else { return [] }
        switch framing {
        case .none: return []
        case .close: return [.send(bytes)]
        case .chunked:
            let size = String(bytes.count, radix: 16)
            return [.send(Array("\(size)\r\n".utf8) + bytes + [0x0D, 0x0A])]
        case .length(let left):
            let bytes = Array(bytes.prefix(left))
            updateExchange { $0.response = .begun(.length(left - bytes.count)) }
            return [.send(bytes)]
        }
    }

    /// Ends the response; one that is shorter than its head said is cut instead.
    mutating func endResponse() -> [Action] {
        guard case .exchange(var exchange) = phase, case .begun(let framing) = exchange.response
        else { return [] }
        if case .length(let left) = framing, left > 0 { return abandon() }
        exchange.response = .complete
        exchange.isDiscarding = true
        exchange.body = []
        phase = .exchange(exchange)
        let last = framing == .chunked ? [Action.send(Array("0\r\n\r\n".utf8))] : []
        return last + [.finished(.answered)] + finishExchange(exchange)
    }

    /// Moves on after a complete response: to the next request, or to the end.
    mutating func finishExchange(_ exchange: Exchange) -> [Action] {
        guard exchange.keepsAlive else { return linger() }
        switch exchange.request {
        case .failed: return linger()
        case .receiving:
            // The rest of a short body that nobody wanted is read before the next request.
            updateExchange { $0.isWaitingForBody = true }
            return pump()
        case .complete:
            phase = .idle
            guard !isDraining else { return linger() }
            let actions = pump()
            guard case .idle = phase, peerHasEnded else { return actions }
            return actions + linger()
        }
    }
}
