import InferenceRuntime

/// `/v1/responses` and what lies below it.
struct ResponseEndpoints: Sendable {
    let answers: AnswerEndpoint
    let store: ResponseStore

    /// `POST /v1/responses`.
    var create: RouteHandler {
        answers.route(translating: { [store] fields, caller throws(APIError) in
            let request = try Self.request(fields, caller, store)
            return AnswerEndpoint.Translated(
                fields: RequestFields(request.chat),
                names: [
                    "response_format.json_schema": "text.format", "response_format": "text.format",
                    "max_completion_tokens": "max_output_tokens",
                ]
            ) {
                chat,
                shared,
                encoder throws(APIError) in
                try Self.decode(chat, shared, encoder, request) { object in
                    guard request.isStored else { return }
                    store.keep(object, input: request.items, for: caller.tenant)
                }
            }
        })
    }

    /// Reads the body as `ChatCompletionRequest` does; the answer is a response.
    private static func decode(
        _ chat: RequestFields,
        _ shared: GenerationFields,
        _ encoder: PromptEncoder,
        _ request: ResponseRequest,
        keep: @escaping @Sendable (JSONValue) -> Void
    ) throws(APIError) -> AnswerRequest {
        var asked = try ChatCompletionRequest.decode(chat, shared, encoder)
        guard let parts = asked.parts else { return asked }
        let tokenizer = encoder.tokenizer
        let scores = asked.sampling.logprobs.map {
            ScoredTokenWriter(tokenizer: tokenizer, top: $0)
        }
        asked.idPrefix = "resp_"
        asked.writer = { head in
            ResponseWriter(
                head: head,
                request,
                parts: parts,
                scores: scores,
                tokenizer: tokenizer,
                keep: keep
            )
        }
        let skipped = request.tools.skipped
        if !skipped.utf8.isEmpty { asked.headers["x-facet-skipped-tools"] = skipped }
        return asked
    }

    private static func request(
        _ fields: RequestFields,
        _ caller: Caller,
        _ store: ResponseStore
    ) throws(APIError) -> ResponseRequest {
        try ResponseRequest(fields) { id throws(APIError) in
            try store.entry(id, of: caller.tenant, param: "previous_response_id").items
        }
    }

    /// `POST /v1/responses/input_tokens`.
    func inputTokens(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let count = try await answers.count(request) { [store] fields throws(APIError) in
            RequestFields(try Self.request(fields, caller, store).chat)
        }
        return .json(["object": "response.input_tokens", "input_tokens": JSONValue(count)])
    }

    /// `GET /v1/responses/{id}`.
    func get(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        .json(try await entry(request, caller).object)
    }

    /// `DELETE /v1/responses/{id}`.
    func delete(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let id = try await entry(request, caller).id
        try await store.remove(id, of: caller.tenant)
        return .json(["id": .string(id), "object": "response", "deleted": true])
    }

    /// `POST /v1/responses/{id}/cancel`: nothing runs in the background that could be cancelled.
    func cancel(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        _ = try await entry(request, caller)
        throw APIError.badRequest(
            "Only responses in the background can be cancelled; close the connection of this one.",
            param: "response_id"
        )
    }

    /// `GET /v1/responses/{id}/input_items`.
    func inputItems(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let entry = try await entry(request, caller)
        let items = entry.input.enumerated().map { place, item -> JSONValue in
            guard case .object(var object) = item else { return item }
            if object["type"] == nil { object["type"] = "message" }
            if object["id"] == nil {
                object["id"] = .string("item_\(place)_\(entry.id.suffix(12))")
            }
            return .object(object)
        }
        let list: [JSONValue] = items.reversed()
        return .json([
            "object": "list", "data": .array(list), "has_more": false,
            "first_id": list.first?["id"] ?? nil, "last_id": list.last?["id"] ?? nil,
        ])
    }

    private func entry(
        _ request: HTTPRequest,
        _ caller: Caller
    ) async throws(APIError) -> ResponseStore.Entry {
        let id = request.parameters["id"] ?? ""
        return try await ProcessorWork.run(bytes: 0) { [store] () throws(APIError) in
            try store.entry(id, of: caller.tenant, param: "response_id")
        }
    }
}
