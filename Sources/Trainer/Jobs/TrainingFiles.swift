public import Storage

/// Where the trainer finds uploaded files and leaves result files.
public protocol TrainingFiles: Sendable {
    /// The path of a tenant's file and the name its author gave it.
    /// - Throws: `FineTuningError` where there is no such file.
    func locate(
        _ id: String,
        tenant: TenantID
    ) async throws(FineTuningError) -> TrainingFileLocation

    /// Bytes of all files of a tenant.
    func storedBytes(of tenant: TenantID) async throws -> Int

    /// Keeps a result file under an id that is a function of the job, so that a repeated ending of
    /// the same job keeps one file.
    /// - Returns: The file's id.
    func keepResult(
        of job: FineTuningJob,
        name: String,
        bytes: [UInt8]
    ) async throws(FineTuningError) -> String
}
