/// Why a job failed, in the shape of OpenAI's job error.
public struct FineTuningError: Error, Sendable, Hashable, Codable {
    /// A word for programs, such as `invalid_training_file`.
    public var code: String
    /// A sentence for people: what is wrong and what to do.
    public var message: String
    /// The field of the request that is to blame.
    public var param: String?

    /// An error of a job.
    public init(code: String, message: String, param: String? = nil) {
        self.code = code
        self.message = message
        self.param = param
    }
}
