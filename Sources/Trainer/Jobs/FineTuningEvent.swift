public import InferenceRuntime

/// Something that happened to a job.
public struct FineTuningEvent: Sendable, Hashable {
    /// How grave it is.
    public enum Level: String, Sendable, Hashable, Codable {
        /// All is well.
        case info
        /// Something to look at.
        case warn
        /// The job has failed.
        case error
    }

    /// Counts all events, in order.
    public let number: Int
    /// When, in Unix seconds.
    public let created: Int
    /// How grave it is.
    public let level: Level
    /// A sentence for people.
    public let message: String
    /// The numbers of an optimizer step; `nil` for a plain message.
    public let metrics: JSONValue?

    /// The id on the wire.
    public var id: String {
        let digits = String(number, radix: 16)
        return "ftevent-" + String(repeating: "0", count: max(0, 16 - digits.utf8.count)) + digits
    }

    /// The number in an id; `nil` for other text.
    public static func number(of id: String) -> Int? {
        guard id.hasPrefix("ftevent-") else { return nil }
        return Int(id.dropFirst("ftevent-".count), radix: 16)
    }
}

/// A checkpoint of a job, servable under its own name.
public struct FineTuningCheckpoint: Sendable, Hashable {
    /// The optimizer step after which it was taken.
    public let step: Int
    /// When, in Unix seconds.
    public let created: Int
    /// The model name that serves it.
    public let model: String
    /// The losses and accuracies at that step, as OpenAI names them.
    public let metrics: JSONValue
    /// The key of its job.
    public let job: String

    /// The id on the wire.
    public var id: String { "ftckpt_\(job)_\(step)" }
}
