import InferenceRuntime
import Logging
import Trainer

/// `/v1/fine-tunes`, also spelled `/v1/fine_tunes`: the API of 2023 over the same jobs.
struct LegacyFineTunesHandler: Sendable {
    let endpoints: FineTuningEndpoints

    /// How often a stream of events looks for new ones.
    private static let interval = Duration.milliseconds(250)
    /// How many events are read at a time.
    private static let page = 1000

    func create(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let base = endpoints.base.id
        let body = try await request.decode { fields throws(APIError) in
            try CreateFineTuningJobRequest(legacy: fields, base: base)
        }
        let job = try await endpoints.create(body, caller)
        request.log["job"] = "\(job.id)"
        return .json(try await object(job, caller, withEvents: true))
    }

    /// The caller's jobs, oldest first, without their events.
    func list(_: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let page = try await endpoints.service.store.jobs(
            tenant: endpoints.tenant(of: caller),
            after: nil,
            metadata: [],
            limit: Self.page
        )
        var data: [JSONValue] = []
        for job in page.elements.reversed() {
            data.append(try await object(job, caller, withEvents: false))
        }
        return .json(["object": "list", "data": .array(data)])
    }

    func get(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let job = try await endpoints.job(request, caller)
        return .json(try await object(job, caller, withEvents: true))
    }

    func cancel(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let job = try await endpoints.change(request, caller) {
            try await endpoints.service.cancel($0)
        }
        return .json(try await object(job, caller, withEvents: true))
    }

    /// What happened to a job, oldest first; with `stream=true` until the job is over.
    func events(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let job = try await endpoints.job(request, caller)
        switch try request.query("stream") {
        case nil, "false": break
        case "true": return stream(job)
        case let value?: throw APIError.notAmong("stream", ["true", "false"], value)
        }
        let events = try await allEvents(of: job).map { LegacyFineTuneObject.json($0) }
        return .json(["object": "list", "data": .array(events)])
    }

    private func stream(_ job: FineTuningJob) -> HTTPResponse {
        let store = endpoints.service.store
        return .eventStream { stream in
            var last: Int?
            while true {
                // The status first: what is over brings no events after those read now.
                let isLive = try await store.job(job.key, tenant: nil)?.status.isLive ?? false
                let events = try await store.events(
                    of: job.key,
                    after: last,
                    newestFirst: false,
                    limit: Self.page
                )
                for event in events.elements {
                    try await stream.send(LegacyFineTuneObject.json(event))
                    last = event.number
                }
                if events.hasMore { continue }
                guard isLive else { break }
                try await Task.sleep(for: Self.interval)
            }
            try await stream.send(.done)
        }
    }

    private func allEvents(of job: FineTuningJob) async throws -> [FineTuningEvent] {
        var events: [FineTuningEvent] = []
        while true {
            let page = try await endpoints.service.store.events(
                of: job.key,
                after: events.last?.number,
                newestFirst: false,
                limit: Self.page
            )
            events += page.elements
            if !page.hasMore { return events }
        }
    }

    private func object(
        _ job: FineTuningJob,
        _ caller: Caller,
        withEvents: Bool
    ) async throws -> JSONValue {
        var files = LegacyFineTuneObject.Files()
        files.training = try await existing([job.request.trainingFile])
        files.validation = try await existing([job.request.validationFile].compactMap { $0 })
        files.results = try await existing(job.resultFiles)
        let events = withEvents ? try await allEvents(of: job) : nil
        return LegacyFineTuneObject.json(job, files, events: events)
    }

    /// The files that have not been deleted since.
    private func existing(_ ids: [String]) async throws -> [StoredFile] {
        var files: [StoredFile] = []
        for id in ids {
            if let file = try await endpoints.files.files.file(id, tenant: nil) {
                files.append(file)
            }
        }
        return files
    }
}
