import Foundation
import InferenceRuntime
import Synchronization

/// Asks the hub what a repository holds and where its files are.
struct HubClient: Sendable {
    let configuration: HubConfiguration
    let transport: HubTransport

    init(_ configuration: HubConfiguration, _ hub: Hub) {
        self.configuration = configuration
        transport = HubTransport(configuration, hub)
    }

    /// What a repository holds at a revision.
    func listing(of reference: HubReference) async throws(HubError) -> HubListing {
        switch reference.source.hub {
        case .huggingface:
            let kind = reference.source.kind == .model ? "models" : "datasets"
            let path = ["api", kind, reference.repository, "revision", reference.revision]
            return try HubListing(
                await json(path, [("blobs", "true")], for: reference)
            )
        case .modelscope: return try await modelScopeListing(of: reference)
        }
    }

    /// An answer of the hub's API.
    func json(
        _ path: [String],
        _ query: [(name: String, value: String)],
        for reference: HubReference
    ) async throws(HubError) -> JSONValue {
        let url = address(path, query)
        // A wrong address should not take long to be reported.
        let retry = HubRetry(configuration: configuration, limit: min(configuration.retries, 2))
        let body = try await retry(progressed: { false }) {
            () async throws(HubError) in
            let sink = CollectingSink(
                answer: HubAnswer(reference: reference, configuration: configuration)
            )
            try await transport.get(url, headers: ["Accept": "application/json"], into: sink)
            return sink.bytes
        }
        do throws(JSONError) {
            return try JSONValue(parsing: body)
        } catch {
            throw .malformedAnswer("\(error)")
        }
    }

    /// Where a file can be had at a commit.
    func url(of file: HubFile, in reference: HubReference, at commit: String) -> URL {
        let isModel = reference.source.kind == .model
        switch reference.source.hub {
        case .huggingface:
            let folder = isModel ? [] : ["datasets"]
            return address(folder + [reference.repository, "resolve", commit, file.path])
        case .modelscope:
            let kind = isModel ? "models" : "datasets"
            return address(
                ["api", "v1", kind, reference.repository, "repo"],
                [("Revision", reference.revision), ("FilePath", file.path)]
            )
        }
    }

    /// The endpoint and what follows, escaped; slashes within a part stay.
    private func address(
        _ parts: [String],
        _ query: [(name: String, value: String)] = []
    ) -> URL {
        var allowed = CharacterSet.alphanumerics.intersection(
            CharacterSet(charactersIn: "\0"..."~")
        )
        allowed.insert(charactersIn: "-._~/")
        let path = parts.map {
            $0.addingPercentEncoding(withAllowedCharacters: allowed) ?? ""
        }
        var text = ([configuration.endpoint.absoluteString] + path).joined(separator: "/")
        // A plus would be read as a space.
        allowed.remove(charactersIn: "/")
        let items = query.map { name, value in
            "\(name)=" + (value.addingPercentEncoding(withAllowedCharacters: allowed) ?? "")
        }
        if !items.isEmpty { text += "?" + items.joined(separator: "&") }
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
