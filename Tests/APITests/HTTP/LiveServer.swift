import InferenceRuntime
import Logging

@testable import API

/// A server on a free port of this machine, for one test.
struct LiveServer {
    let port: Int
    private let server: HTTPServer

    /// Starts a server, lends it to the test, and stops it; nothing of it may be left open.
    @discardableResult
    static func with<Result: Sendable>(
        _ handler: any HTTPHandler = LiveServer.router,
        configure: (inout ServerConfiguration) -> Void = { _ in },
        _ body: (LiveServer) async throws -> Result
    ) async throws -> Result {
        var configuration = ServerConfiguration()
        configuration.port = 0
        configure(&configuration)
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let server = await HTTPServer(
            configuration: configuration,
            logger: logger,
            handler: handler
        )
        let live = LiveServer(port: try await server.start().port, server: server)
        do {
            let result = try await body(live)
            await server.stop()
            return result
        } catch {
            await server.stop()
            throw error
        }
    }

    /// Connections that the server holds open.
    var connectionCount: Int { get async { await server.channels.count } }

    /// Requests that are being answered.
    var requestCount: Int { get async { await server.requestCount } }

    /// Begins to drain, and returns when it has.
    func drain() async { await server.drain() }

    /// Reads certificate and key again.
    func reloadCertificate() async throws { try await server.reloadCertificate() }

    /// Routes that show every kind of body.
    static let router: Router = {
        var router = Router()
        router.add(.get, "/health") { _ in .json(["status": "ok"]) }
        router.add(.post, "/echo") { request in
            HTTPResponse(body: .bytes(try await request.body.collect()))
        }
        router.add(.post, "/count", bodyLimit: 1 << 30) { request in
            var count = 0
            for try await chunk in request.body { count += chunk.count }
            return .text("\(count)")
        }
        router.add(.post, "/v1/chat/completions") { request in
            try request.requireMediaType("application/json")
            _ = try await request.body.collect()
            return .json(["ok": true])
        }
        router.add(.get, "/events") { _ in
            .eventStream(keepAlive: .milliseconds(50)) { events in
                try await events.send(["n": 1])
                try await Task.sleep(for: .milliseconds(500))
                try await events.send(.done)
            }
        }
        router.add(.get, "/broken-events") { _ in
            .eventStream { events in
                // More than may wait: `send` returns when the head is on its way.
                try await events.send(
                    ServerSentEvent(data: [UInt8](repeating: 120, count: 400_000))
                )
                throw APIError.badRequest("no more", code: "stop")
            }
        }
        router.add(.get, "/refused-events") { _ in
            .eventStream { _ in throw APIError.badRequest("not at all") }
        }
        router.add(.get, "/crash") { _ in throw UVError(code: -5, operation: "secret") }
        return router
    }()
}
