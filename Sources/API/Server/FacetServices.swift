public import AdapterStore
import InferenceRuntime
import Logging
public import Trainer
import Storage

/// What the server serves, made by whoever starts it.
public struct FacetServices: Sendable {
    /// The base model.
    public var model: ServedModel
    /// The adapters; `nil`: the base alone answers.
    public var adapters: AdapterStore?
    /// The files; `nil`: none are taken.
    public var files: FileStore?
    /// The fine-tuning jobs; `nil`: the server does not train.
    public var jobs: FineTuningService?
    /// The answers that requests ask to keep; `nil`: none are kept.
    public var completions: StoredCompletionStore?
    /// The batches; `nil`, or no files: none are taken.
    public var batches: BatchStore?
    /// The responses that servers share; `nil`: memory keeps them.
    public var responses: ResponseTable?
    /// Where jobs look for who asks the models that grade.
    public var judges: GraderJudges?
    /// Whether jobs may be shown in Weights & Biases.
    public var hasWandb = false

    /// Names the parts of a server.
    public init(
        model: ServedModel,
        adapters: AdapterStore? = nil,
        files: FileStore? = nil,
        jobs: FineTuningService? = nil,
        completions: StoredCompletionStore? = nil,
        batches: BatchStore? = nil,
        responses: ResponseTable? = nil,
        judges: GraderJudges? = nil
    ) {
        self.model = model
        self.judges = judges
        self.adapters = adapters
        self.files = files
        self.jobs = jobs
        self.completions = completions
        self.batches = batches
        self.responses = responses
    }

    func routes(
        _ configuration: FacetServerConfiguration,
        authenticator: Authenticator,
        state: ServerState,
        logger: Logger
    ) -> APIRoutes {
        let metrics = ServerMetrics(
            modelName: model.id,
            contextTokens: model.generator.contextTokens
        )
        let models = ModelsHandler(model: model, store: adapters) { [jobs] name in
            try await jobs?.didDelete(model: name)
        }
        let files = files.map { filesHandler($0, configuration) }
        let answers = AnswerEndpoint(
            encoder: PromptEncoder(model),
            selector: AdapterSelector(
                baseID: model.id,
                store: adapters,
                started: configuration.startedAdapters
            ),
            metrics: metrics
        )
        let completions = StoredCompletionEndpoints(
            answers: answers,
            store: completions,
            files: files
        )
        let scores = answers.route(RelevanceRequest.score)
        judges?.seat { ChatJudge(chat: completions.create, scores: scores, job: $0) }
        let responses = ResponseEndpoints(
            answers: answers,
            store: ResponseStore(table: responses)
        )
        return APIRoutes(
            access: AccessControl(authenticator: authenticator, metrics: metrics),
            answers: answers,
            completions: completions,
            responses: responses,
            batches: batchEndpoints(files, completions, responses, logger),
            health: HealthHandlers(
                state: state,
                model: model,
                metrics: metrics,
                adapters: adapters,
                jobs: jobs?.store
            ),
            models: models,
            adapters: adapters.map {
                AdaptersHandler(store: $0, models: models, storedBytes: storedBytes)
            },
            files: files,
            fineTuning: fineTuning(files),
            session: SessionHandler(
                authenticator: authenticator,
                isSecure: configuration.http.tls != nil,
                canTrain: files != nil && jobs != nil
            ),
            keys: configuration.keys.map { KeysHandler(store: $0) },
            servesConsole: configuration.servesConsole
        )
    }

    private func fineTuning(_ files: FilesHandler?) -> FineTuningEndpoints? {
        guard let files, let jobs else { return nil }
        return FineTuningEndpoints(
            service: jobs,
            base: model,
            adapters: adapters,
            files: files,
            hasWandb: hasWandb
        )
    }

    private func batchEndpoints(
        _ files: FilesHandler?,
        _ completions: StoredCompletionEndpoints,
        _ responses: ResponseEndpoints,
        _ logger: Logger
    ) -> BatchEndpoints? {
        guard let files, let batches else { return nil }
        let answers = completions.answers
        let service = BatchService(
            store: batches,
            files: files.files,
            handlers: [
                "/v1/chat/completions": completions.create,
                "/v1/completions": answers.route(CompletionRequest.decode),
                "/v1/embeddings": answers.route(EmbeddingRequest.decode),
                "/v1/responses": responses.create,
            ],
            // Half of what the engine answers at once: enough to be quick, and requests find room.
            lines: max(4, model.generator.statistics.maxRunning / 2),
            logger: logger
        )
        return BatchEndpoints(service: service, files: files)
    }

    private var storedBytes: StoredBytes {
        StoredBytes(files: files, adapters: adapters, jobs: jobs?.store)
    }

    private func filesHandler(
        _ files: FileStore,
        _ configuration: FacetServerConfiguration
    ) -> FilesHandler {
        let threads = WorkerPool(name: "uploads", limit: 2)
        return FilesHandler(
            files: files,
            maximumBytes: configuration.maximumFileBytes,
            storedBytes: storedBytes,
            validate: { path, name in
                do throws(TrainingFileError) {
                    try await threads.run { () throws(TrainingFileError) in
                        _ = try ValidationReport.validate(path: path, name: name, encoder: nil)
                    }
                } catch {
                    throw APIError.invalid(
                        "file",
                        "Invalid training file: \(error)",
                        code: "invalid_training_file"
                    )
                }
            },
            isInUse: { [jobs, batches] id in
                if try await jobs?.store.isInUse(file: id) == true { return true }
                return try await batches?.isInUse(file: id) ?? false
            }
        )
    }
}
