import InferenceRuntime
import Trainer

/// The same jobs in the words of the API of 2023.
enum LegacyFineTuneObject {
    /// The files of a job, as far as they are still there.
    struct Files: Sendable {
        var training: [StoredFile] = []
        var validation: [StoredFile] = []
        var results: [StoredFile] = []
    }

    /// - Parameter events: `nil` in lists, which leave them out.
    static func json(
        _ job: FineTuningJob,
        _ files: Files,
        events: [FineTuningEvent]?
    ) -> JSONValue {
        let succeeded = job.status == .succeeded
        var object: JSONObject = [
            "id": .string(job.legacyID),
            "object": "fine-tune",
            "created_at": JSONValue(job.created),
            "updated_at": JSONValue(job.updated),
            "model": .string(FineTuningJobObject.model(of: job)),
            "fine_tuned_model": succeeded ? .string(job.fineTunedModel) : .null,
            "organization_id": .string(FineTuningJobObject.organization(of: job)),
            "status": .string(status(job.status)),
            "hyperparams": .object(hyperparameters(of: job)),
            "training_files": .array(files.training.map(\.json)),
            "validation_files": .array(files.validation.map(\.json)),
            "result_files": .array(files.results.map(\.json)),
        ]
        if let events { object["events"] = .array(events.map(json)) }
        return .object(object)
    }

    static func json(_ event: FineTuningEvent) -> JSONValue {
        [
            "object": "fine-tune-event",
            "created_at": JSONValue(event.created),
            "level": .string(event.level.rawValue),
            "message": .string(event.message),
        ]
    }

    /// What was not sent and is not resolved yet is `null`, as it was then.
    private static func hyperparameters(of job: FineTuningJob) -> JSONObject {
        var object = FineTuningJobObject.hyperparameters(of: job)
        for (key, value) in object.members where value == "auto" { object[key] = .null }
        return object
    }

    private static func status(_ status: FineTuningStatus) -> String {
        switch status {
        case .validatingFiles, .queued, .paused: "pending"
        case .running, .succeeded, .failed, .cancelled: status.rawValue
        }
    }
}
