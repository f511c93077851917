import InferenceRuntime
import Logging
import Trainer

/// The routes of `/v1/fine_tuning/jobs`: today's fine-tuning API.
struct FineTuningJobsHandler: Sendable {
    let endpoints: FineTuningEndpoints

    func create(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let body = try await request.decode { fields throws(APIError) in
            try CreateFineTuningJobRequest(fields)
        }
        let job = try await endpoints.create(body, caller)
        request.log["job"] = "\(job.id)"
        return .json(FineTuningJobObject.json(job))
    }

    /// The caller's jobs, newest first.
    func list(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let page = try await endpoints.service.store.jobs(
            tenant: endpoints.tenant(of: caller),
            after: try Self.after(request) { FineTuningJob.key(of: $0) },
            metadata: try request.metadataQuery().map {
                FineTuningRequest.MetadataEntry(key: $0.key, value: $0.value)
            },
            limit: try request.limit(default: 20, maximum: 1000)
        )
        let jobs = page.elements.map { FineTuningJobObject.json($0) }
        return .json(FineTuningJobObject.list(jobs, hasMore: page.hasMore))
    }

    /// The cursor of the query, as the store counts.
    private static func after<Cursor>(
        _ request: HTTPRequest,
        _ cursor: (String) -> Cursor?
    ) throws(APIError) -> Cursor? {
        guard let after = try request.query("after") else { return nil }
        guard let cursor = cursor(after) else {
            throw .invalid("after", "Invalid 'after': '\(after.prefix(80))' is no id of this list.")
        }
        return cursor
    }

    func get(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        .json(FineTuningJobObject.json(try await endpoints.job(request, caller)))
    }

    func cancel(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let job = try await endpoints.change(request, caller) {
            try await endpoints.service.cancel($0)
        }
        return .json(FineTuningJobObject.json(job))
    }

    func pause(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let job = try await endpoints.change(request, caller) {
            try await endpoints.service.pause($0)
        }
        return .json(FineTuningJobObject.json(job))
    }

    func resume(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let job = try await endpoints.change(request, caller) {
            try await endpoints.service.resume($0)
        }
        return .json(FineTuningJobObject.json(job))
    }

    /// What happened to a job, newest first.
    func events(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let job = try await endpoints.job(request, caller)
        let page = try await endpoints.service.store.events(
            of: job.key,
            after: try Self.after(request) { FineTuningEvent.number(of: $0) },
            newestFirst: true,
            limit: try request.limit(default: 20, maximum: 1000)
        )
        let events = page.elements.map { FineTuningJobObject.json($0) }
        return .json(FineTuningJobObject.list(events, hasMore: page.hasMore))
    }

    /// The checkpoints of a job, newest first.
    func checkpoints(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let job = try await endpoints.job(request, caller)
        let page = try await endpoints.service.store.checkpoints(
            of: job.key,
            before: try Self.after(request) { id in
                id.utf8.split(separator: UInt8(ascii: "_")).last
                    .flatMap { Int(String(decoding: $0, as: UTF8.self)) }
            },
            limit: try request.limit(default: 10, maximum: 1000)
        )
        let checkpoints = page.elements.map { FineTuningJobObject.json($0, of: job) }
        return .json(
            FineTuningJobObject.list(checkpoints, hasMore: page.hasMore, withIDs: true)
        )
    }
}
