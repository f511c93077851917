import InferenceRuntime
import Storage

/// `/v1/chat/completions` and what lies below it: answers, and those that were kept.
struct StoredCompletionEndpoints: Sendable {
    let answers: AnswerEndpoint
    /// `nil` where the server keeps no answers.
    let store: StoredCompletionStore?
    /// Where exports go; `nil` where the server keeps no files.
    let files: FilesHandler?

    /// `POST /v1/chat/completions`: with `store` the answer is kept before its end is told.
    var create: RouteHandler {
        answers.route(translating: { [store] fields, caller throws(APIError) in
            let isStored = try fields.bool("store") ?? false
            if isStored, store == nil {
                throw .unsupported("store", "this server keeps no answers; leave it out")
            }
            if isStored { try AnswerFeedback.check(fields) }
            return AnswerEndpoint.Translated(fields: fields) {
                chat,
                shared,
                encoder throws(APIError) in
                var asked = try ChatCompletionRequest.decode(chat, shared, encoder)
                guard isStored, let store else { return asked }
                asked.keep = { bytes in
                    try await store.keep(try await Self.stored(bytes, to: chat, caller.tenant))
                }
                return asked
            }
        })
    }

    private static func stored(
        _ document: [UInt8],
        to fields: RequestFields,
        _ tenant: TenantID
    ) async throws -> StoredCompletion {
        try await ProcessorWork.run(bytes: document.count) {
            let answer = try JSONValue(parsing: document).object ?? [:]
            return StoredCompletion(answer, to: fields, tenant: tenant)
        }
    }

    /// `GET /v1/chat/completions`.
    func list(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        var query = StoredCompletionStore.Query(tenant: caller.tenant)
        query.model = try request.query("model")
        query.metadata = try request.metadataQuery()
        query.newestFirst = try request.isNewestFirst(default: false)
        query.limit = try request.limit(default: 20, maximum: 100)
        if let after = try request.query("after") {
            query.after = try await completion(after, caller, param: "after")
        }
        guard let store else { return .json(Self.page([], hasMore: false)) }
        let page = try await store.completions(query)
        return .json(Self.page(page.completions.map(\.json), hasMore: page.hasMore))
    }

    /// `GET /v1/chat/completions/{id}`.
    func get(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        .json(try await completion(request, caller).json)
    }

    /// `POST /v1/chat/completions/{id}`: other metadata.
    func update(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let metadata = try await request.decode { fields throws(APIError) -> JSONValue in
            guard fields.object["metadata"] != nil else { throw .missing("metadata") }
            try AnswerFeedback.check(fields)
            return fields["metadata"] ?? [:]
        }
        let id = request.parameters["id"] ?? ""
        guard
            let updated = try await store?.update(id, of: caller.tenant, metadata: metadata)
        else { throw Self.unknown(id) }
        return .json(updated.json)
    }

    /// `DELETE /v1/chat/completions/{id}`.
    func delete(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let id = request.parameters["id"] ?? ""
        guard try await store?.delete(id, of: caller.tenant) == true else { throw Self.unknown(id) }
        return .json(["object": "chat.completion.deleted", "id": .string(id), "deleted": true])
    }

    /// `GET /v1/chat/completions/{id}/messages`.
    func messages(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        var messages = try await completion(request, caller).messageObjects
        let isNewestFirst = try request.isNewestFirst(default: false)
        let limit = try request.limit(default: 20, maximum: 1_000)
        if isNewestFirst { messages.reverse() }
        if let after = try request.query("after") {
            guard let place = messages.firstIndex(where: { $0["id"]?.string == after }) else {
                throw APIError.notFound("message", after, param: "after", code: nil)
            }
            messages.removeFirst(place + 1)
        }
        let page = Self.page(Array(messages.prefix(limit)), hasMore: messages.count > limit)
        return .json(page)
    }

    /// `POST /v1/chat/completions/export`: a file to train on.
    func export(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let export = try await request.decode { fields throws(APIError) in
            try StoredCompletionExport(fields, tenant: caller.tenant)
        }
        guard let store, let files else {
            throw APIError.unsupported("format", "this server keeps no answers and no files")
        }
        return .json(try await export.file(of: store, in: files, for: caller).json)
    }

    private func completion(
        _ request: HTTPRequest,
        _ caller: Caller
    ) async throws -> StoredCompletion {
        try await completion(request.parameters["id"] ?? "", caller, param: "completion_id")
    }

    private func completion(
        _ id: String,
        _ caller: Caller,
        param: String
    ) async throws -> StoredCompletion {
        guard let found = try await store?.completion(id, of: caller.tenant) else {
            throw Self.unknown(id, param: param)
        }
        return found
    }

    private static func unknown(_ id: String, param: String = "completion_id") -> APIError {
        .notFound("chat completion", id, param: param, code: nil)
    }

    private static func page(_ objects: [JSONValue], hasMore: Bool) -> JSONValue {
        [
            "object": "list",
            "data": .array(objects),
            "first_id": objects.first?["id"] ?? "",
            "last_id": objects.last?["id"] ?? "",
            "has_more": .bool(hasMore),
        ]
    }
}
