import Glibc
import InferenceRuntime
import Synchronization

/// What an S3 store answers: a document, or an object on its way into a file.
final class S3Answer: CurlSink {
    private struct State {
        var response: CurlResponse?
        var document: [UInt8] = []
    }

    private let path: String?
    private let state = Mutex(State())
    /// More than any document of S3 that is read here.
    private static let maximumDocument = 1 << 20

    /// - Parameter path: Where the object goes; `nil`: the answer is a document.
    init(path: String?) { self.path = path }

    /// Status and header fields; `nil` where nothing has come.
    var response: CurlResponse? { state.withLock { $0.response } }

    func begin(_ response: CurlResponse) throws -> Bool {
        state.withLock { $0.response = response }
        if let path, response.status == 200 {
            _ = try OpenFile(path, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
        }
        return true
    }

    func receive(_ bytes: [UInt8]) throws {
        if let path, response?.status == 200 {
            try OpenFile(path, flags: O_WRONLY | O_APPEND).write(bytes)
            return
        }
        state.withLock { state in
            guard state.document.count + bytes.count <= Self.maximumDocument else { return }
            state.document += bytes
        }
    }

    /// The text of the first XML element of a name; S3's own are not nested in themselves.
    func element(_ name: String) -> String? {
        let text = String(decoding: state.withLock { $0.document }, as: UTF8.self)
        guard let start = text.firstRange(of: "<\(name)>")?.upperBound,
            let end = text[start...].firstRange(of: "</\(name)>")?.lowerBound
        else { return nil }
        return String(text[start..<end])
    }
}
