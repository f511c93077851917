public import Storage

/// Where the trainer finds uploaded files and leaves result files.
public protocol TrainingFiles: Sendable {
    /// The path of a tenant's file and the name its author gave it.
    /// - Throws: `FineTuningError` where there is no such file.
    func locate(
        _ id: String,
        tenant: TenantID
    ) async throws(FineTuningError) -> TrainingFileLocation

    /// Keeps a result file under an id that is a function of the job, so that a repeated ending of
    /// the same job keeps one file.
    /// - Returns: The file's id.
    func keepResult(
        of job: FineTuningJob,
        name: String,
        bytes: [UInt8]
    ) async throws(FineTuningError) -> String
}

/// An uploaded file on disk.
public struct TrainingFileLocation: Sendable, Hashable {
    /// Where it lies.
    public var path: String
    /// The name its author gave it.
    public var name: String

    /// An uploaded file on disk.
    public init(path: String, name: String) {
        self.path = path
        self.name = name
    }
}
