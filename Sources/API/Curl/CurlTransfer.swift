import Synchronization

/// Status and header fields of an answer.
struct CurlResponse: Sendable {
    /// The address that was asked.
    let url: String
    /// The status code.
    fileprivate(set) var status = 0
    private var fields: [String: String] = [:]

    fileprivate init(url: String) { self.url = url }

    /// A header field by its name, whatever the case; the last of several.
    func header(_ name: String) -> String? { fields[name.lowercased()] }

    /// Whether the answer only says where to go on.
    var isRedirect: Bool { (300..<400).contains(status) && header("Location") != nil }

    fileprivate mutating func add(_ line: Substring) {
        guard let colon = line.firstIndex(of: ":") else { return }
        let value = line[line.index(after: colon)...].trimmingPrefix { $0 == " " || $0 == "\t" }
        fields[line[..<colon].lowercased()] = String(value)
    }
}

/// Receives one answer; called from one thread.
protocol CurlSink: Sendable {
    /// The head of the answer; whether the body is wanted.
    func begin(_ response: CurlResponse) throws -> Bool
    /// A part of the body.
    func receive(_ bytes: [UInt8]) throws
}

/// One answer on its way from the library's callbacks to its sink.
///
/// Owner: one thread at a time, which performs the request and is called back; only `stop` comes
/// from elsewhere.
final class CurlTransfer: @unchecked Sendable {
    private let sink: any CurlSink
    private let stopped = Atomic(false)
    private var response: CurlResponse
    private var wantsBody = false
    private var ignored = 0
    /// What the sink threw.
    private(set) var failure: (any Error)?

    /// A body that nobody wants is read so far, to keep the connection; beyond, it is cut.
    private static let mostIgnored = 1 << 20

    init(_ request: CurlRequest, into sink: any CurlSink) {
        self.sink = sink
        response = CurlResponse(url: request.url)
    }

    /// Ends the request within a second.
    func stop() { stopped.store(true, ordering: .relaxed) }
    /// Whether somebody asked to stop.
    var isStopped: Bool { stopped.load(ordering: .relaxed) }
    /// Whether the request was cut by ourselves because the rest is of no interest.
    var hasEnough: Bool { failure == nil && ignored > Self.mostIgnored }

    /// A line of the head.
    ///
    /// Returning another count than `count` ends the request.
    func head(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        let line = Self.text(bytes, count)
        if line.hasPrefix("HTTP/") {
            response = CurlResponse(url: response.url)
            response.status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        } else if !line.isEmpty {
            response.add(line)
        } else if response.status >= 200, !response.isRedirect {
            return attempt(count) { wantsBody = try sink.begin(response) }
        }
        return count
    }

    /// A part of the body.
    func body(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        guard wantsBody else {
            ignored += count
            return ignored > Self.mostIgnored ? 0 : count
        }
        let part = [UInt8](UnsafeRawBufferPointer(start: bytes, count: count))
        return attempt(count) { try sink.receive(part) }
    }

    private func attempt(_ count: Int, _ body: () throws -> Void) -> Int {
        do {
            try body()
            return count
        } catch {
            failure = error
            return count == 0 ? 1 : 0
        }
    }

    private static func text(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Substring {
        let raw = UnsafeRawBufferPointer(start: bytes, count: count)
        let end = raw.lastIndex { ![0x0D, 0x0A, 0x20].contains($0) }.map { $0 + 1 } ?? 0
        return String(decoding: raw[..<end], as: UTF8.self)[...]
    }
}
