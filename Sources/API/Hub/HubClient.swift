import Foundation
import InferenceRuntime
import Synchronization

/// Asks the hub what a repository holds and where its files are.
struct HubClient: Sendable {
    let configuration: HubConfiguration
    let transport: HubTransport

    init(_ configuration: HubConfiguration) {
        self.configuration = configuration
        transport = HubTransport(configuration)
    }

    /// What a repository holds at a revision.
    func listing(of reference: HubReference) async throws(HubError) -> HubListing {
        let url = address([
            "api", "models", reference.repository, "revision", reference.revision,
        ])
        guard var parts = URLComponents(url: url, resolvingAgainstBaseURL: false) else {
            throw .malformedReference(reference.description)
        }
        parts.queryItems = [URLQueryItem(name: "blobs", value: "true")]
        let query = parts.url ?? url
        // A wrong address should not take long to be reported.
        let retry = HubRetry(configuration: configuration, limit: min(configuration.retries, 2))
        let body = try await retry(progressed: { false }) {
            () async throws(HubError) in
            let sink = CollectingSink(
                answer: HubAnswer(reference: reference, configuration: configuration)
            )
            try await transport.get(query, headers: ["Accept": "application/json"], into: sink)
            return sink.bytes
        }
        do {
            return try HubListing(JSONValue(parsing: body))
        } catch let error as HubError {
            throw error
        } catch {
            throw .malformedAnswer("\(error)")
        }
    }

    /// Where a file can be had at a commit.
    func url(of file: HubFile, in reference: HubReference, at commit: String) -> URL {
        address([reference.repository, "resolve", commit, file.path])
    }

    /// The endpoint and what follows, escaped; slashes within a part stay.
    private func address(_ parts: [String]) -> URL {
        var allowed = CharacterSet.alphanumerics.intersection(
            CharacterSet(charactersIn: "\0"..."~")
        )
        allowed.insert(charactersIn: "-._~/")
        let path = parts.map {
            $0.addingPercentEncoding(withAllowedCharacters: allowed) ?? ""
        }
        let text = ([configuration.endpoint.absoluteString] + path).joined(separator: "/")
        return URL(string: text) ?? configuration.endpoint
    }
}

/// Keeps a short body in memory.
private final class CollectingSink: CurlSink {
    private let answer: HubAnswer
    private let body = Mutex<[UInt8]>([])

    /// The largest listing that is read; a repository of 10,000 files takes some 3 MB.
    private static let largest = 64 << 20

    init(answer: HubAnswer) { self.answer = answer }

    var bytes: [UInt8] { body.withLock { $0 } }

    func begin(_ response: CurlResponse) throws(HubError) -> Bool {
        if let error = answer.error(response) { throw error }
        return true
    }

    func receive(_ bytes: [UInt8]) throws(HubError) {
        let size = body.withLock { body in
            body.append(contentsOf: bytes)
            return body.count
        }
        if size > Self.largest { throw .malformedAnswer("the list of files is too long") }
    }
}
