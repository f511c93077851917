import InferenceRuntime
import Logging
import Storage

/// The body of `POST /v1/batches`.
struct CreateBatchRequest: Sendable {
    let inputFile: String
    let endpoint: String
    let metadata: JSONValue
    let resultLifetime: Int?

    init(_ fields: RequestFields, endpoints: [String]) throws(APIError) {
        inputFile = try fields.requiredString("input_file_id")
        endpoint = try fields.requiredString("endpoint")
        guard endpoints.contains(endpoint) else {
            throw .notAmong("endpoint", endpoints, endpoint)
        }
        let window = try fields.requiredString("completion_window")
        guard window == "24h" else { throw .notAmong("completion_window", ["24h"], window) }
        metadata = try fields.checkMetadata().map(JSONValue.object) ?? .null
        let expiry = try fields.object("output_expires_after")
        if let expiry {
            let anchor = try expiry.requiredString("anchor")
            guard anchor == "created_at" else {
                throw .notAmong(expiry.name("anchor"), ["created_at"], anchor)
            }
            guard expiry["seconds"] != nil else { throw .missing(expiry.name("seconds")) }
        }
        resultLifetime = try expiry?.integer("seconds", in: 3_600...2_592_000)
    }
}

/// `/v1/batches`.
struct BatchEndpoints: Sendable {
    let service: BatchService
    let files: FilesHandler

    /// `POST /v1/batches`.
    func create(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let endpoints = service.handlers.keys.sorted()
        let asked = try await request.decode { fields throws(APIError) in
            try CreateBatchRequest(fields, endpoints: endpoints)
        }
        let file = try await files.file(asked.inputFile, caller, param: "input_file_id")
        guard file.purpose == "batch" else {
            throw APIError.invalid(
                "input_file_id",
                "The file \(file.id) has the purpose '\(file.purpose)'; upload it with 'batch'."
            )
        }
        try await files.requireRoom(for: caller)
        let batch = try await service.create(asked, for: caller)
        request.log["batch"] = "\(batch.id)"
        return .json(batch.json)
    }

    /// `GET /v1/batches`: newest first.
    func list(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let limit = try request.limit(default: 20, maximum: 100)
        var after: RequestBatch?
        if let id = try request.query("after") {
            after = try await batch(id, caller, param: "after")
        }
        let page = try await service.store.batches(
            tenant: tenant(of: caller),
            after: after,
            limit: limit
        )
        return .json([
            "object": "list",
            "data": .array(page.batches.map(\.json)),
            "first_id": .string(page.batches.first?.id ?? ""),
            "last_id": .string(page.batches.last?.id ?? ""),
            "has_more": .bool(page.hasMore),
        ])
    }

    /// `GET /v1/batches/{id}`.
    func get(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        .json(try await batch(request, caller).json)
    }

    /// `POST /v1/batches/{id}/cancel`.
    func cancel(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let batch = try await batch(request, caller)
        return .json((try await service.cancel(batch.id) ?? batch).json)
    }

    private func tenant(of caller: Caller) -> TenantID? {
        caller.isAdministrator ? nil : caller.tenant
    }

    private func batch(_ request: HTTPRequest, _ caller: Caller) async throws -> RequestBatch {
        try await batch(request.parameters["id"] ?? "", caller, param: "batch_id")
    }

    private func batch(_ id: String, _ caller: Caller, param: String) async throws -> RequestBatch {
        guard let found = try await service.store.batch(id, tenant: tenant(of: caller)) else {
            throw APIError.notFound("batch", id, param: param, code: nil)
        }
        return found
    }
}
