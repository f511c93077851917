import Foundation
import InferenceRuntime

/// What trackers have called a run, so that a run that goes on is the same to them.
public struct TrackerMemory: Sendable {
    /// A JSON file beside the run's checkpoints.
    private let path: String

    /// Keeps names in a file, which need not be there yet.
    public init(path: String) { self.path = path }

    private var known: JSONObject {
        let bytes = FileManager.default.contents(atPath: path)
        return bytes.flatMap { try? JSONValue(parsing: [UInt8]($0)).object } ?? [:]
    }

    /// What a tracker called the run.
    public func name(for tracker: String) -> String? { known[tracker]?.string }

    /// Keeps what a tracker calls the run.
    public func keep(_ name: String, for tracker: String) throws {
        var known = known
        known[tracker] = .string(name)
        try DurableFile.write(JSONValue.object(known).serializedBytes, to: path)
    }
}
