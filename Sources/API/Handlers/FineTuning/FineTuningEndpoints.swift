import AdapterStore
import InferenceRuntime
import Trainer
import Storage

/// What both fine-tuning APIs do: one job store underneath, two ways of saying it above.
struct FineTuningEndpoints: Sendable {
    let service: FineTuningService
    let base: ServedModel
    let adapters: AdapterStore?
    let files: FilesHandler
    /// Whether the server has a key for Weights & Biases.
    let hasWandb: Bool

    /// Makes a job of a checked request.
    ///
    /// - Throws: 404 for a model or file the caller does not have, 429 where there is no room for
    ///   checkpoints.
    func create(
        _ body: CreateFineTuningJobRequest,
        _ caller: Caller
    ) async throws -> FineTuningJob {
        let request = try await request(body, caller)
        try await files.requireRoom(for: caller)
        return try await service.create(
            request,
            tenant: caller.tenant,
            organization: caller.tenant.name
        )
    }

    /// What the job of a checked request would do.
    ///
    /// - Throws: 404 for a model or file the caller does not have, 400 for what the files rule out.
    func plan(
        _ body: CreateFineTuningJobRequest,
        _ caller: Caller
    ) async throws -> JSONObject {
        let request = try await request(body, caller)
        do throws(FineTuningError) {
            return try await service.plan(
                request,
                tenant: caller.tenant,
                organization: caller.tenant.name
            )
        } catch {
            let param = error.param ?? "training_file"
            throw APIError.invalid(param, error.message, code: error.code)
        }
    }

    private func request(
        _ body: CreateFineTuningJobRequest,
        _ caller: Caller
    ) async throws -> FineTuningRequest {
        guard hasWandb || body.integrations.isEmpty else {
            throw APIError.unsupported(
                "integrations",
                "this server has no key for Weights & Biases, WANDB_API_KEY in its environment; remove "
                    + "the field"
            )
        }
        let parent = try parent(body.model, caller)
        try await check(body.trainingFile, "training_file", caller)
        if let file = body.validationFile { try await check(file, "validation_file", caller) }
        if let grader = body.grader, Grader.asksModels(grader) {
            try caller.require(anyOf: [.infer])
        }
        var request = FineTuningRequest(
            base: base.id,
            parent: parent,
            trainingFile: body.trainingFile,
            validationFile: body.validationFile,
            hyperparameters: body.hyperparameters,
            suffix: body.suffix,
            seed: body.seed,
            metadata: body.metadata,
            isLegacy: body.isLegacy,
            storageLimit: caller.storedBytes
        )
        request.grader = body.grader
        request.integrations = body.integrations
        return request
    }

    /// The generation to start from; `nil` where the model is the base.
    private func parent(_ model: String, _ caller: Caller) throws(APIError) -> String? {
        guard !model.utf8.elementsEqual(base.id.utf8) else { return nil }
        guard let adapters else { throw .modelNotFound(model) }
        do throws(AdapterStoreError) {
            return try adapters.resolve(model, for: caller.adapterCaller, splitKey: model)
                .pinnedName
        } catch {
            throw APIError(error, param: "model")
        }
    }

    private func check(_ id: String, _ param: String, _ caller: Caller) async throws {
        let file = try await files.file(id, caller, param: param)
        guard file.purpose == "fine-tune" else {
            throw APIError.invalid(
                param,
                "The file \(file.id) has the purpose '\(file.purpose)'; upload training data with "
                    + "the purpose 'fine-tune'."
            )
        }
    }

    /// The job of the path if the caller may see it, else 404.
    func job(_ request: HTTPRequest, _ caller: Caller) async throws -> FineTuningJob {
        let id = request.parameters["id"] ?? ""
        guard let key = FineTuningJob.key(of: id),
            let job = try await service.store.job(key, tenant: tenant(of: caller))
        else {
            throw APIError.notFound(
                "fine-tuning job",
                id,
                param: "fine_tuning_job_id",
                code: "file_not_found"
            )
        }
        return job
    }

    /// Whose jobs the caller sees; `nil`: everybody's.
    func tenant(of caller: Caller) -> TenantID? {
        caller.isAdministrator ? nil : caller.tenant
    }

    /// Does what a job's status may forbid: 409 then.
    func change(
        _ request: HTTPRequest,
        _ caller: Caller,
        _ body: (String) async throws -> FineTuningJob?
    ) async throws -> FineTuningJob {
        let job = try await job(request, caller)
        do {
            return try await body(job.key) ?? job
        } catch let error as FineTuningTransitionError {
            throw APIError.conflict(
                error.description,
                param: "fine_tuning_job_id",
                code: "invalid_job_status"
            )
        }
    }
}
