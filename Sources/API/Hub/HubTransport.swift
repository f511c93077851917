import Foundation
import FoundationNetworking
import Synchronization

/// Receives one answer; called from one queue, never twice at the same time.
protocol HubSink: Sendable {
    /// The head of the answer; whether the body is wanted.
    func begin(_ response: HTTPURLResponse) throws(HubError) -> Bool
    /// A part of the body.
    func receive(_ data: Data) throws(HubError)
}

/// HTTP to the hub: follows redirects itself, so that the token stays with the endpoint.
final class HubTransport: Sendable {
    private let configuration: HubConfiguration
    private let session: URLSession
    private let delegate: Delegate

    private static let mostRedirects = 8

    init(_ configuration: HubConfiguration) {
        self.configuration = configuration
        delegate = Delegate()
        let settings = URLSessionConfiguration.ephemeral
        settings.timeoutIntervalForRequest = configuration.idleTimeout
        settings.httpCookieStorage = nil
        settings.httpShouldSetCookies = false
        settings.urlCache = nil
        settings.httpMaximumConnectionsPerHost = configuration.parallelDownloads + 1
        let queue = OperationQueue()
        queue.maxConcurrentOperationCount = 1
        session = URLSession(configuration: settings, delegate: delegate, delegateQueue: queue)
    }

    deinit { session.finishTasksAndInvalidate() }

    /// Requests `url` and hands the last answer, behind all redirects, to `sink`.
    func get(_ url: URL, headers: [String: String], into sink: any HubSink) async throws(HubError) {
        var url = url
        for _ in 0...Self.mostRedirects {
            if Task.isCancelled { throw Self.stopped(url) }
            var request = URLRequest(url: url)
            for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
            request.setValue("facet", forHTTPHeaderField: "User-Agent")
            // Compressed bodies could be neither resumed nor measured.
            request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
            if let token = configuration.token, isEndpoint(url) {
                request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization")
            }
            guard let location = try await send(request, into: sink) else { return }
            guard let next = URL(string: location, relativeTo: url)?.absoluteURL,
                let scheme = next.scheme, ["http", "https"].contains(scheme), next.host != nil
            else { throw .malformedAnswer("\(url) redirects to '\(location)'") }
            guard scheme == "https" || url.scheme == "http" else {
                throw .malformedAnswer("\(url) redirects from https to http")
            }
            url = next
        }
        throw .malformedAnswer("\(url) redirects too often")
    }

    /// Whether a URL is at the endpoint: scheme, host and port.
    private func isEndpoint(_ url: URL) -> Bool {
        let endpoint = configuration.endpoint
        return url.scheme == endpoint.scheme && url.host == endpoint.host
            && url.port == endpoint.port
    }

    /// Sends one request; returns where it redirects to.
    private func send(_ request: URLRequest, into sink: any HubSink) async throws(HubError)
        -> String?
    {
        let task = session.dataTask(with: request)
        let result: Result<String?, HubError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                delegate.add(task, Exchange(sink: sink, continuation: continuation))
                if Task.isCancelled { delegate.cancel(task) }
                task.resume()
            }
        } onCancel: {
            delegate.cancel(task)
        }
        if Task.isCancelled { throw Self.stopped(request.url) }
        return try result.get()
    }

    private static func stopped(_ url: URL?) -> HubError {
        .network(url: url?.absoluteString ?? "", reason: "it was stopped")
    }
}

/// One request on its way.
private struct Exchange {
    let sink: any HubSink
    let continuation: CheckedContinuation<Result<String?, HubError>, Never>
    var location: String?
    /// Whether the rest of the body is of no interest.
    var isDone = false
    /// Whether an answer that is no redirect has begun.
    var hasHead = false
    var isCancelled = false
    var failure: HubError?
}

/// Spreads what the session reports over the requests.
private final class Delegate: NSObject, URLSessionDataDelegate {
    private let exchanges = Mutex<[Int: Exchange]>([:])

    func add(_ task: URLSessionTask, _ exchange: Exchange) {
        exchanges.withLock { $0[task.taskIdentifier] = exchange }
    }

    /// Cancels a request, at once or when its answer begins.
    ///
    /// The library traps where a task is cancelled while it waits for what to do with a redirect.
    func cancel(_ task: URLSessionTask) {
        let hasHead = exchanges.withLock { exchanges in
            exchanges[task.taskIdentifier]?.isCancelled = true
            return exchanges[task.taskIdentifier]?.hasHead ?? false
        }
        if hasHead { task.cancel() }
    }

    func urlSession(
        _ session: URLSession,
        task: URLSessionTask,
        willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest,
        completionHandler: @escaping (URLRequest?) -> Void
    ) {
        let location = response.value(forHTTPHeaderField: "Location")
        exchanges.withLock { $0[task.taskIdentifier]?.location = location }
        completionHandler(nil)
    }

    func urlSession(
        _ session: URLSession,
        dataTask: URLSessionDataTask,
        didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        completionHandler(.allow)
        let isWanted = begin(dataTask, response)
        let isCancelled = exchanges.withLock { exchanges in
            guard exchanges[dataTask.taskIdentifier]?.location == nil else { return false }
            exchanges[dataTask.taskIdentifier]?.isDone = !isWanted
            exchanges[dataTask.taskIdentifier]?.hasHead = true
            return exchanges[dataTask.taskIdentifier]?.isCancelled ?? false
        }
        // By hand: the library does not heed the disposition. A short body may as well come.
        if isCancelled || (!isWanted && response.expectedContentLength > Self.shortBody) {
            dataTask.cancel()
        }
    }

    private static let shortBody = 1 << 20

    private func begin(_ task: URLSessionTask, _ response: URLResponse) -> Bool {
        guard let response = response as? HTTPURLResponse,
            let sink = exchanges.withLock({ $0[task.taskIdentifier]?.sink })
        else { return false }
        if (300..<400).contains(response.statusCode),
            let location = response.value(forHTTPHeaderField: "Location")
        {
            exchanges.withLock { $0[task.taskIdentifier]?.location = location }
            return true
        }
        do throws(HubError) {
            return try sink.begin(response)
        } catch {
            fail(task, error)
            return false
        }
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let exchange = exchanges.withLock { $0[dataTask.taskIdentifier] }
        guard let exchange, !exchange.isDone, exchange.failure == nil, exchange.location == nil
        else { return }
        do throws(HubError) {
            try exchange.sink.receive(data)
        } catch {
            fail(dataTask, error)
            dataTask.cancel()
        }
    }

    private func fail(_ task: URLSessionTask, _ error: HubError) {
        exchanges.withLock { $0[task.taskIdentifier]?.failure = error }
    }

    func urlSession(
        _ session: URLSession,
        task: URLSessionTask,
        didCompleteWithError error: (any Error)?
    ) {
        let exchange = exchanges.withLock { $0.removeValue(forKey: task.taskIdentifier) }
        guard let exchange else { return }
        let url = task.originalRequest?.url?.absoluteString ?? ""
        if let failure = exchange.failure {
            exchange.continuation.resume(returning: .failure(failure))
        } else if let location = exchange.location {
            exchange.continuation.resume(returning: .success(location))
        } else if let error, !exchange.isDone {
            let reason = error.localizedDescription
            exchange.continuation.resume(returning: .failure(.network(url: url, reason: reason)))
        } else {
            exchange.continuation.resume(returning: .success(nil))
        }
    }
}
