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

    /// What a job would do, before it is made.
    func plan(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let body = try await request.decode { fields throws(APIError) in
            try CreateFineTuningJobRequest(fields)
        }
        return .json(.object(try await endpoints.plan(body, caller)))
    }

    /// The one table of hyperparameters, for forms: what each may be, its default and what it does.
    func hyperparameters(_: HTTPRequest, _: Caller) async throws -> HTTPResponse {
        .json([
            "object": "list",
            "data": .array(Hyperparameter.all.map { .object($0.json) }),
            "methods": .array(TrainingMethod.allCases.map { .string($0.rawValue) }),
        ])
    }

    /// The examples of a file as the model sees them.
    func examples(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let file = try await endpoints.files.file(
            request.parameters["id"] ?? "",
            caller,
            param: "file_id"
        )
        let after = try request.query("after") ?? "0"
        guard let after = Int(after), after >= 0 else {
            throw APIError.invalid("after", "Invalid 'after': expected the 'index' of an example.")
        }
        let limit = try request.limit(default: 20, maximum: 100)
        let path = try await endpoints.files.files.content(of: file.id)
        do throws(TrainingFileError) {
            let page = try await endpoints.service.examples(
                of: TrainingFileLocation(
                    path: path,
                    name: file.filename
                ),
                after: after,
                limit: limit
            )
            let examples = page.examples.map(\.json)
            return .json(FineTuningJobObject.list(examples, hasMore: page.hasMore))
        } catch {
            throw APIError.invalid("file_id", "\(error)", code: "invalid_training_file")
        }
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
