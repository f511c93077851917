import Storage
import InferenceRuntime
import Trainer

/// Jobs, events and checkpoints in the words of today's API.
enum FineTuningJobObject {
    static func json(_ job: FineTuningJob) -> JSONValue {
        let hyperparameters = JSONValue.object(hyperparameters(of: job))
        let succeeded = job.status == .succeeded
        let method = job.request.method.rawValue
        var own: JSONObject = ["hyperparameters": hyperparameters]
        own["grader"] = job.request.grader
        return [
            "id": .string(job.id),
            "object": "fine_tuning.job",
            "created_at": JSONValue(job.created),
            "finished_at": job.finished.map { JSONValue($0) } ?? .null,
            "model": .string(model(of: job)),
            "fine_tuned_model": succeeded ? .string(job.fineTunedModel) : .null,
            "organization_id": .string(organization(of: job)),
            "status": .string(job.status.rawValue),
            "hyperparameters": hyperparameters,
            "method": .object([
                "type": .string(method), method: .object(own),
            ]),
            "training_file": .string(job.request.trainingFile),
            "validation_file": job.request.validationFile.map(JSONValue.string) ?? .null,
            "result_files": .array(job.resultFiles.map(JSONValue.string)),
            "trained_tokens": job.trainedTokens.map { JSONValue($0) } ?? .null,
            "error": job.error.map(json) ?? .null,
            "seed": JSONValue(job.hyperparameters?.seed ?? job.request.seed),
            "estimated_finish": job.estimatedFinish.map { JSONValue($0) } ?? .null,
            "integrations": .array(job.request.integrations.map(\.json)),
            "metadata": metadata(of: job),
            "worker": job.worker.map(JSONValue.string) ?? .null,
            "user_provided_suffix": job.request.suffix.map(JSONValue.string) ?? .null,
        ]
    }

    /// What the job started from, as the client named it.
    static func model(of job: FineTuningJob) -> String {
        guard let parent = job.request.parent else { return job.request.base }
        return String(decoding: parent.utf8.prefix { $0 != UInt8(ascii: "@") }, as: UTF8.self)
    }

    static func organization(of job: FineTuningJob) -> String {
        job.tenant.isShared ? TenantID.keyless.name : job.tenant.name
    }

    /// Every value resolved; before the files are read, what was sent and `auto` for the rest.
    static func hyperparameters(of job: FineTuningJob) -> JSONObject {
        if let resolved = job.hyperparameters { return resolved.json }
        var sent: JSONObject = [
            "n_epochs": "auto", "batch_size": "auto", "learning_rate_multiplier": "auto",
        ]
        for (key, value) in job.request.hyperparameters.json.members { sent[key] = value }
        return sent
    }

    private static func metadata(of job: FineTuningJob) -> JSONValue {
        guard !job.request.metadata.isEmpty else { return .null }
        return .object(
            JSONObject(job.request.metadata.map { (key: $0.key, value: .string($0.value)) })
        )
    }

    private static func json(_ error: FineTuningError) -> JSONValue {
        [
            "code": .string(error.code),
            "message": .string(error.message),
            "param": error.param.map(JSONValue.string) ?? .null,
        ]
    }

    static func json(_ event: FineTuningEvent) -> JSONValue {
        [
            "id": .string(event.id),
            "object": "fine_tuning.job.event",
            "created_at": JSONValue(event.created),
            "level": .string(event.level.rawValue),
            "message": .string(event.message),
            "type": event.metrics == nil ? "message" : "metrics",
            "data": event.metrics ?? [:],
        ]
    }

    static func json(_ checkpoint: FineTuningCheckpoint, of job: FineTuningJob) -> JSONValue {
        [
            "id": .string(checkpoint.id),
            "object": "fine_tuning.job.checkpoint",
            "created_at": JSONValue(checkpoint.created),
            "fine_tuned_model_checkpoint": .string(checkpoint.model),
            "fine_tuning_job_id": .string(job.id),
            "step_number": JSONValue(checkpoint.step),
            "metrics": checkpoint.metrics,
        ]
    }

    static func list(
        _ data: [JSONValue],
        hasMore: Bool,
        withIDs: Bool = false
    ) -> JSONValue {
        var object: JSONObject = [
            "object": "list", "data": .array(data), "has_more": .bool(hasMore),
        ]
        if withIDs {
            object["first_id"] = data.first?["id"] ?? .null
            object["last_id"] = data.last?["id"] ?? .null
        }
        return .object(object)
    }
}
