import InferenceRuntime

/// The parts of the server that routes lead to.
struct APIRoutes: Sendable {
    let access: AccessControl
    let answers: AnswerEndpoint
    let completions: StoredCompletionEndpoints
    let responses: ResponseEndpoints
    /// `nil` where the server keeps no batches.
    let batches: BatchEndpoints?
    let health: HealthHandlers
    let models: ModelsHandler
    /// `nil` where the server has no adapter store.
    let adapters: AdaptersHandler?
    /// `nil` where the server keeps no files.
    let files: FilesHandler?
    /// `nil` where the server does not train.
    let fineTuning: FineTuningEndpoints?
    let session: SessionHandler
    /// `nil` where the server asks for no keys.
    let keys: KeysHandler?
    /// Whether `GET /` is a page.
    let servesConsole: Bool

    /// Everything the server answers.
    var handler: AuthenticatedRouter {
        var router = Router()
        addConsole(to: &router)
        addHealth(to: &router)
        addAnswers(to: &router)
        addModels(to: &router)
        addFiles(to: &router)
        addFineTuning(to: &router)
        addBatches(to: &router)
        return AuthenticatedRouter(router: router, authenticator: access.authenticator)
    }

    /// The page and its files, signing in, and keys.
    private func addConsole(to router: inout Router) {
        let path = "/v1/session"
        router.add(.get, path, access.open(path, session.get))
        router.add(.delete, path, access.open(path, session.delete))
        add(.post, path, [], session.create, to: &router)
        if let keys {
            add(.get, "/v1/keys", [.admin], keys.list, to: &router)
            add(.post, "/v1/keys", [.admin], keys.create, to: &router)
            add(.delete, "/v1/keys/{id}", [.admin], keys.delete, to: &router)
        }
        guard servesConsole else { return }
        let console = ConsoleHandler()
        router.add(.get, "/", access.open("/", console.page))
        router.add(.get, "/console/{file}", access.open("/console/{file}", console.file))
    }

    private func addHealth(to router: inout Router) {
        for path in ["/health", "/v1/health", "/livez", "/ping"] {
            router.add(.get, path, access.open(path, health.live))
        }
        router.add(.get, "/readyz", access.open("/readyz", health.ready))
        let properties = PropertiesHandlers(model: answers.encoder.model)
        add(.get, "/props", [.infer], properties.properties, to: &router)
        add(.get, "/slots", [.infer], properties.slots, to: &router)
        add(.get, "/version", [], health.version, to: &router)
        add(.get, "/metrics", [.admin], health.metrics, to: &router)
    }

    private func addAnswers(to router: inout Router) {
        addChat(to: &router)
        let completions = answers.route(CompletionRequest.decode)
        add(.post, "/v1/completions", [.infer], completions, to: &router)
        let embeddings = answers.route(EmbeddingRequest.decode)
        add(.post, "/v1/embeddings", [.infer], embeddings, to: &router)
        addRelevance(to: &router)
        addResponses(to: &router)
        addMessages(to: &router)
        let base = answers.encoder.model.id
        let infill = answers.route(translating: { fields, _ throws(APIError) in
            try InfillRequest.translated(fields, base: base)
        })
        add(.post, "/infill", [.infer], infill, to: &router)
        let tokens = TokenizeHandlers(encoder: answers.encoder)
        add(.post, "/tokenize", [.infer], tokens.tokenize, to: &router)
        add(.post, "/detokenize", [.infer], tokens.detokenize, to: &router)
        add(.post, "/apply-template", [.infer], tokens.applyTemplate, to: &router)
        for (path, advice) in [
            ("/v1/moderations", "this server does not moderate")
        ] {
            add(
                .post,
                path,
                [.infer],
                { _, _ in throw APIError.notImplemented(path, advice) },
                to: &router
            )
        }
    }

    private func addChat(to router: inout Router) {
        let path = "/v1/chat/completions"
        add(.post, path, [.infer], completions.create, to: &router)
        add(.get, path, [.infer], completions.list, to: &router)
        add(.get, path + "/{id}", [.infer], completions.get, to: &router)
        // Before the id: a route that is added first wins.
        add(.post, path + "/export", [.train], completions.export, to: &router)
        add(.post, path + "/{id}", [.infer], completions.update, to: &router)
        add(.delete, path + "/{id}", [.infer], completions.delete, to: &router)
        add(.get, path + "/{id}/messages", [.infer], completions.messages, to: &router)
    }

    private func addRelevance(to router: inout Router) {
        let rerank = answers.route(translating: RelevanceRequest.rerank)
        for path in ["/rerank", "/v1/rerank", "/v2/rerank"] {
            add(.post, path, [.infer], rerank, to: &router)
        }
        let score = answers.route(RelevanceRequest.score)
        for path in ["/score", "/v1/score"] { add(.post, path, [.infer], score, to: &router) }
    }

    private func addResponses(to router: inout Router) {
        add(.post, "/v1/responses", [.infer], responses.create, to: &router)
        add(.post, "/v1/responses/input_tokens", [.infer], responses.inputTokens, to: &router)
        add(.get, "/v1/responses/{id}", [.infer], responses.get, to: &router)
        add(.delete, "/v1/responses/{id}", [.infer], responses.delete, to: &router)
        add(.post, "/v1/responses/{id}/cancel", [.infer], responses.cancel, to: &router)
        add(.get, "/v1/responses/{id}/input_items", [.infer], responses.inputItems, to: &router)
    }

    /// Anthropic's routes.
    private func addMessages(to router: inout Router) {
        let messages = answers.route(translating: { fields, _ throws(APIError) in
            AnswerEndpoint.Translated(
                fields: try MessagesRequest.chat(fields),
                names: MessagesRequest.names,
                decode: MessagesRequest.decode
            )
        })
        let count: RouteHandler = { [answers] request, _ in
            let tokens = try await answers.count(request, translating: MessagesRequest.counted)
            return .json(["input_tokens": JSONValue(tokens)])
        }
        for (path, handler) in [("/v1/messages", messages), ("/v1/messages/count_tokens", count)] {
            let guarded = access.guarded(path, needs: [.infer], handler)
            router.add(.post, path, AnthropicErrors(guarded))
        }
    }

    private func addModels(to router: inout Router) {
        add(.get, "/v1/models", [.infer], models.list, to: &router)
        add(.get, "/v1/models/{id}", [.infer], models.get, to: &router)
        add(.delete, "/v1/models/{id}", [.train], models.delete, to: &router)
        guard let adapters else { return }
        add(.post, "/v1/load_lora_adapter", [.train], adapters.load, to: &router)
        add(.post, "/v1/unload_lora_adapter", [.train], adapters.unload, to: &router)
        add(.get, "/v1/adapters", [.infer, .train], adapters.list, to: &router)
        add(.post, "/v1/adapters/merge", [.train], adapters.merge, to: &router)
        add(.get, "/v1/adapters/{name}", [.infer, .train], adapters.get, to: &router)
        add(.get, "/v1/adapters/{name}/content", [.train], adapters.content, to: &router)
        add(.delete, "/v1/adapters/{name}", [.train], adapters.delete, to: &router)
        add(.post, "/v1/adapters/{name}/alias", [.train], adapters.alias, to: &router)
    }

    private func addFiles(to router: inout Router) {
        guard let files else { return }
        router.add(
            .post,
            "/v1/files",
            bodyLimit: files.maximumBytes + FilesHandler.formOverhead,
            access.guarded("/v1/files", needs: [.train], files.create)
        )
        add(.get, "/v1/files", [.train], files.list, to: &router)
        add(.get, "/v1/files/{id}", [.train], files.get, to: &router)
        add(.delete, "/v1/files/{id}", [.train], files.delete, to: &router)
        add(.get, "/v1/files/{id}/content", [.train], files.content, to: &router)
    }

    private func addBatches(to router: inout Router) {
        guard let batches else { return }
        add(.post, "/v1/batches", [.infer], batches.create, to: &router)
        add(.get, "/v1/batches", [.infer], batches.list, to: &router)
        add(.get, "/v1/batches/{id}", [.infer], batches.get, to: &router)
        add(.post, "/v1/batches/{id}/cancel", [.infer], batches.cancel, to: &router)
    }

    private func addFineTuning(to router: inout Router) {
        guard let fineTuning else { return }
        let jobs = FineTuningJobsHandler(endpoints: fineTuning)
        let path = "/v1/fine_tuning/jobs"
        add(.post, path, [.train], jobs.create, to: &router)
        add(.get, path, [.train], jobs.list, to: &router)
        add(.post, "/v1/fine_tuning/plan", [.train], jobs.plan, to: &router)
        let table = "/v1/fine_tuning/hyperparameters"
        add(.get, table, [.train], jobs.hyperparameters, to: &router)
        add(.get, "/v1/files/{id}/examples", [.train], jobs.examples, to: &router)
        add(.get, path + "/{id}", [.train], jobs.get, to: &router)
        add(.post, path + "/{id}/cancel", [.train], jobs.cancel, to: &router)
        add(.post, path + "/{id}/pause", [.train], jobs.pause, to: &router)
        add(.post, path + "/{id}/resume", [.train], jobs.resume, to: &router)
        add(.get, path + "/{id}/events", [.train], jobs.events, to: &router)
        add(.get, path + "/{id}/checkpoints", [.train], jobs.checkpoints, to: &router)
        let graders = GradersHandler(
            chat: completions.create,
            scores: answers.route(RelevanceRequest.score)
        )
        let graderPath = "/v1/fine_tuning/alpha/graders/"
        add(.post, graderPath + "run", [.train, .infer], graders.run, to: &router)
        add(.post, graderPath + "validate", [.train], graders.validate, to: &router)
        let legacy = LegacyFineTunesHandler(endpoints: fineTuning)
        for path in ["/v1/fine-tunes", "/v1/fine_tunes"] {
            add(.post, path, [.train], legacy.create, to: &router)
            add(.get, path, [.train], legacy.list, to: &router)
            add(.get, path + "/{id}", [.train], legacy.get, to: &router)
            add(.post, path + "/{id}/cancel", [.train], legacy.cancel, to: &router)
            add(.get, path + "/{id}/events", [.train], legacy.events, to: &router)
        }
    }

    private func add(
        _ method: HTTPMethod,
        _ path: String,
        _ rights: Set<KeyRight>,
        _ handler: @escaping RouteHandler,
        to router: inout Router
    ) {
        router.add(method, path, access.guarded(path, needs: rights, handler))
    }
}

extension APIError {
    /// A path of OpenAI's that this server does not serve.
    fileprivate static func notImplemented(_ path: String, _ advice: String) -> APIError {
        APIError(
            status: .notImplemented,
            message: "\(path) is not served: \(advice).",
            code: "not_implemented",
            headers: ["x-should-retry": "false"]
        )
    }
}
