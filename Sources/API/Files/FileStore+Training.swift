import InferenceRuntime
public import Storage
public import Trainer

/// The files as the trainer knows them.
extension FileStore: TrainingFiles {
    /// Where the content of a tenant's file lies, and what its owner calls it.
    public func locate(
        _ id: String,
        tenant: TenantID
    ) async throws(FineTuningError) -> TrainingFileLocation {
        let found: StoredFile?
        do {
            found = try await file(id, tenant: tenant)
        } catch {
            throw FineTuningError(
                code: Self.code(of: error),
                message: "The database cannot be read: \(error). Make the job again."
            )
        }
        guard let file = found else {
            throw FineTuningError(
                code: "file_not_found",
                message: "The file '\(id)' is not there any more.",
                param: "training_file"
            )
        }
        do {
            return TrainingFileLocation(path: try await content(of: file.id), name: file.filename)
        } catch {
            throw FineTuningError(
                code: error is FileSystemError ? "file_not_found" : Self.code(of: error),
                message: "The content of '\(file.filename)' cannot be fetched: \(error). Make the "
                    + "job again.",
                param: "training_file"
            )
        }
    }

    /// Keeps a job's table of results for its owner; once, however often a job ends.
    public func keepResult(
        of job: FineTuningJob,
        name: String,
        bytes: [UInt8]
    ) async throws(FineTuningError) -> String {
        let id = StoredFile.idPrefix + job.key
        do {
            // A job that was interrupted while it ended has kept its file already.
            if try await file(id, tenant: job.tenant) != nil { return id }
            return try await add(
                bytes,
                id: id,
                filename: name,
                purpose: "fine-tune-results",
                tenant: job.tenant
            ).id
        } catch {
            throw FineTuningError(
                code: Self.code(of: error),
                message: "The result file cannot be kept: \(error)"
            )
        }
    }

    /// Tells a store that is away from one that refuses.
    private static func code(of error: any Error) -> String {
        switch error {
        case is DatabaseOutage, ObjectStoreError.unavailable: FineTuningError.outageCode
        default: "storage_error"
        }
    }
}
