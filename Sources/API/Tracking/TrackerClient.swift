import Foundation
import InferenceRuntime
import Synchronization

/// JSON over HTTP to a tracking server, whose keys go into no message.
struct TrackerClient: Sendable {
    /// The server's address without a slash at its end, a name and a password taken out of it.
    let endpoint: String
    private let authorization: String?
    private let client = CurlClient(limit: 1)

    private static let idleSeconds = 10

    /// - Parameters:
    ///   - variable: The environment variable that the address is from, for messages.
    ///   - authorization: The header field's value; `nil`: a name and a password in the address.
    init(
        _ address: String,
        variable: String,
        authorization: String?
    ) throws(TrackerError) {
        guard var parts = URLComponents(string: address), let host = parts.host, !host.isEmpty,
            ["http", "https"].contains(parts.scheme?.lowercased() ?? "")
        else { throw TrackerError("\(variable) is no http or https address") }
        var authorization = authorization
        if authorization == nil, let user = parts.user {
            authorization = Self.basic(user, parts.password ?? "")
        }
        (parts.user, parts.password, parts.query, parts.fragment) = (nil, nil, nil, nil)
        while parts.path.hasSuffix("/") { parts.path.removeLast() }
        endpoint = parts.string ?? ""
        self.authorization = authorization
    }

    /// HTTP's Basic scheme.
    static func basic(_ user: String, _ password: String) -> String {
        "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
    }

    /// Sends an object and gives the answer's.
    /// - Parameter body: What is posted; `nil` asks by GET.
    /// - Throws: `TrackerError` where the server is away, refuses or answers something else.
    func send(_ body: JSONValue?, to path: String) async throws -> JSONValue {
        let sink = Answer()
        var headers = [("Content-Type", "application/json"), ("User-Agent", "facet")]
        if let authorization { headers.append(("Authorization", authorization)) }
        var request = CurlRequest(
            url: endpoint + path,
            headers: headers.map { (name: $0.0, value: $0.1) },
            idleSeconds: Self.idleSeconds
        )
        if let body {
            request.method = "POST"
            request.body = body.serializedBytes
        }
        do {
            guard try await client.send(request, into: sink) == nil else {
                throw TrackerError(
                    "\(endpoint) redirects elsewhere; give the address it redirects to"
                )
            }
        } catch let error as CurlError {
            throw TrackerError("\(endpoint): \(error.reason)")
        }
        let (status, bytes) = sink.whole
        guard (200..<300).contains(status) else {
            let hint = status == 401 || status == 403 ? "; is the key right?" : ""
            throw TrackerError("\(endpoint) answered \(status)\(hint)", status: status)
        }
        guard let json = try? JSONValue(parsing: bytes) else {
            if bytes.isEmpty { return [:] }
            throw TrackerError("\(endpoint) answered something else than JSON")
        }
        return json
    }
}

/// Why a tracking server could not be told.
struct TrackerError: Error, Sendable, Hashable, CustomStringConvertible {
    let description: String
    /// The status it answered, where it did.
    var status: Int?

    init(_ description: String, status: Int? = nil) {
        self.description = description
        self.status = status
    }
}

/// Keeps a short answer.
private final class Answer: CurlSink {
    private let state = Mutex((status: 0, bytes: [UInt8]()))
    private static let largest = 1 << 20

    var whole: (status: Int, bytes: [UInt8]) { state.withLock { ($0.status, $0.bytes) } }

    func begin(_ response: CurlResponse) -> Bool {
        state.withLock { $0.status = response.status }
        return true
    }

    func receive(_ bytes: [UInt8]) throws(TrackerError) {
        let size = state.withLock { state in
            state.bytes += bytes
            return state.bytes.count
        }
        if size > Self.largest { throw TrackerError("the answer is too long") }
    }
}
