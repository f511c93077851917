import Foundation
import Glibc
import InferenceRuntime
import Synchronization

/// TensorBoard's event files (tensorflow/tensorboard, `record_writer.py`), with the names that
/// transformers' callback gives.
final class TensorBoardTracker: RunTracker {
    let name = "TensorBoard"
    /// Where the files go.
    private let folder: String
    private let path = Mutex<String?>(nil)

    init(folder: String) { self.folder = folder }

    func begin(_ run: TrackedRun, after step: Int) throws {
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
        let time = Date().timeIntervalSince1970
        let host = ProcessInfo.processInfo.hostName.map { $0 == "/" ? "-" : $0 }
        let name = "events.out.tfevents.\(Int(time)).\(String(host)).\(getpid()).\(step)"
        let file = try OpenFile("\(folder)/\(name)", flags: O_WRONLY | O_CREAT | O_TRUNC)
        try file.write(EventRecord.version(time: time).framed)
        // Steps behind the last checkpoint of an earlier part are shown once, as they are now.
        if step > 0 { try file.write(EventRecord.start(time: time, step: step + 1).framed) }
        for (title, object) in [("args", run.parameters), ("model_config", run.model)] {
            let text = Self.indented(object)
            try file.write(EventRecord.text(title, text, time: time).framed)
        }
        path.withLock { $0 = "\(folder)/\(name)" }
    }

    func log(_ steps: [TrackedMetrics]) throws {
        guard let path = path.withLock({ $0 }) else { return }
        let time = Date().timeIntervalSince1970
        var bytes: [UInt8] = []
        for metrics in steps where !metrics.entries.isEmpty {
            let values = metrics.entries.map { (name: $0.filed, value: $0.value) }
            bytes += EventRecord.scalars(values, time: time, step: metrics.step).framed
        }
        let file = try OpenFile(path, flags: O_WRONLY | O_APPEND)
        try file.write(bytes)
    }

    func end(_ result: TrackedResult) throws { try log([result.metrics]) }

    /// JSON with a member a line, in a block that Markdown leaves as it is.
    private static func indented(_ object: JSONObject) -> String {
        let lines = object.members.map {
            "      \(JSONValue.string($0.key).serialized): \($0.value.serialized)"
        }
        return "    {\n" + lines.joined(separator: ",\n") + "\n    }"
    }
}
