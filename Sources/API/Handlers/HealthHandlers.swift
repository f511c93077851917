import AdapterStore
import InferenceRuntime
import Synchronization
import Trainer

/// Whether the server is up, and whether it takes requests.
final class ServerState: Sendable {
    private let draining = Mutex(false)

    /// Whether running requests are being finished and nothing new is wanted.
    var isDraining: Bool { draining.withLock { $0 } }

    func beginDraining() {
        draining.withLock { $0 = true }
    }
}

/// `GET /health`, `/livez`, `/readyz`, `/version` and `/metrics`.
struct HealthHandlers: Sendable {
    let state: ServerState
    let model: ServedModel
    let metrics: ServerMetrics
    let adapters: AdapterStore?
    let jobs: FineTuningStore?

    /// The process answers.
    func live(_: HTTPRequest, _: Caller) async throws -> HTTPResponse {
        .json(["status": "ok"])
    }

    /// The process takes requests.
    func ready(_: HTTPRequest, _: Caller) async throws -> HTTPResponse {
        guard !state.isDraining else {
            throw APIError.unavailable("The server is shutting down.", code: "shutting_down")
        }
        return .json(["status": "ok"])
    }

    func version(_: HTTPRequest, _: Caller) async throws -> HTTPResponse {
        .json([
            "version": .string(FacetVersion.text),
            "model": .string(model.id),
            "base_hash": .string(model.hash),
            "max_model_len": JSONValue(model.generator.contextTokens),
        ])
    }

    func metrics(_: HTTPRequest, _: Caller) async throws -> HTTPResponse {
        var room = AdapterRoom()
        if let adapters {
            let statuses = adapters.list(for: .program)
            metrics.adapters.update(adapters.statistics, statuses)
            room = AdapterRoom(adapters.statistics, statuses, adapters.aliases(for: .program))
        }
        // What the jobs say is missing while their database is away; the rest is wanted all the more.
        if let jobs { try? await metrics.training.update(jobs) }
        let text = metrics.text(
            engine: model.generator.statistics,
            contextTokens: model.generator.contextTokens,
            room: room
        )
        return .text(text, contentType: PrometheusText.contentType)
    }
}
