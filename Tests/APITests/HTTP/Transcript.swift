@testable import API

/// Drives an `HTTPConnection` and writes down what it does, one short line per action.
struct Transcript {
    var connection: HTTPConnection
    /// What the connection did since the last look.
    private(set) var lines: [String] = []

    init(headBytes: Int = 64 << 10) {
        connection = HTTPConnection(headBytes: headBytes)
    }

    /// The client sends text.
    mutating func client(_ text: String) -> [String] {
        perform(connection.receive(Array(text.utf8)))
    }

    /// The client finishes sending.
    mutating func clientEnds() -> [String] { perform(connection.receiveEnd()) }

    /// The time limit of what is waited for passes.
    mutating func timePasses() -> [String] { perform(connection.expire()) }

    /// The server answers with a short body.
    mutating func answer(_ body: String, status: HTTPStatus = .ok) -> [String] {
        let begun = connection.beginResponse(status, [:], length: .bytes(body.utf8.count))
        return perform(begun + connection.sendBody(Array(body.utf8)) + connection.endResponse())
    }

    /// The handler asks for the body.
    mutating func takeBody() -> [String] {
        let (step, actions) = connection.takeBody()
        let line =
            switch step {
            case .bytes(let bytes): "body \(String(decoding: bytes, as: UTF8.self))"
            case .end: "body ended"
            case .failed(let error): "body failed \(error.status.rawValue)"
            case .wait: "body is awaited"
            }
        return [line] + perform(actions)
    }

    mutating func perform(_ actions: [HTTPConnection.Action]) -> [String] {
        actions.map(Self.describe)
    }

    static func describe(_ action: HTTPConnection.Action) -> String {
        switch action {
        case .start(let head, let body):
            "start \(head.method.rawValue) \(head.target)"
                + (body.map { $0.isEmpty ? "" : " with \(String(decoding: $0, as: UTF8.self))" }
                    ?? " without its body")
        case .refuse(let error, _): "refuse \(error.status.rawValue)"
        case .bodyChanged: "body changed"
        case .send(let bytes): "send \(abridge(bytes))"
        case .finished(.answered): "answered"
        case .finished(.abandoned): "abandoned"
        case .read(let isReading): isReading ? "read on" : "read no more"
        case .linger: "linger"
        case .close: "close"
        }
    }

    private static func abridge(_ bytes: [UInt8]) -> String {
        String(decoding: bytes, as: UTF8.self)
            .replacingCharacters("\r\n", by: "|")
            .replacingCharacters("HTTP/1.1 ", by: "")
    }
}

extension String {
    /// This text with every `part` replaced.
    fileprivate func replacingCharacters(_ part: String, by other: String) -> String {
        var output = ""
        var rest = self[...]
        while let range = rest.range(ofPart: part) {
            output += rest[..<range.lowerBound] + other
            rest = rest[range.upperBound...]
        }
        return output + rest
    }
}

extension Substring {
    fileprivate func range(ofPart part: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(part) {
                return start..<index(start, offsetBy: part.count)
            }
            start = index(after: start)
        }
        return nil
    }
}
