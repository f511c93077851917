import Foundation
import InferenceRuntime
import Storage
import Synchronization
import Trainer

/// Weights & Biases: a run by GraphQL, its history by the file stream that W&B's own library uses
/// (wandb/wandb, `internal_api.py` and `file_stream.py`).
final class WandbTracker: RunTracker {
    let name = "W&B"
    private let client: TrackerClient
    private let place: Place
    private let memory: TrackerMemory
    private let state = Mutex(State())

    /// Where a run goes.
    struct Place: Sendable, Hashable {
        /// The project; transformers' default is `huggingface`.
        var project: String
        /// The user or team; `nil`: the key's own.
        var entity: String?
        /// What the run is shown as, in place of its own name.
        var runName: String?
        var tags: [String] = []
        /// The id of a run that goes on.
        var runID: String?
    }

    private struct State {
        /// Where the history is sent.
        var path = ""
        /// Lines of the history that the server has.
        var lines = 0
        var summary = JSONObject()
        var start = Date()
    }

    init(_ client: TrackerClient, _ place: Place, memory: TrackerMemory) {
        (self.client, self.place, self.memory) = (client, place, memory)
    }

    private static let upsert = """
        mutation UpsertBucket($name: String, $project: String, $entity: String, $displayName: String, \
        $config: JSONString, $tags: [String!]) { upsertBucket(input: {name: $name, modelName: $project, \
        entityName: $entity, displayName: $displayName, config: $config, tags: $tags}) { bucket { id name \
        historyLineCount project { name entity { name } } } inserted } }
        """

    func begin(_ run: TrackedRun, after step: Int) async throws {
        let known = step > 0 ? memory.name(for: "wandb") : nil
        let new = String(RandomID.make(prefix: "").lowercased().prefix(8))
        let id: String = place.runID ?? known ?? new
        var config = JSONObject()
        for (key, value) in run.parameters.members { config[key] = ["value": value] }
        config["model"] = ["value": .object(run.model)]
        let answer = try await client.send(
            [
                "query": .string(Self.upsert),
                "variables": [
                    "name": .string(id), "project": .string(place.project),
                    "entity": place.entity.map(JSONValue.string) ?? .null,
                    "displayName": .string(place.runName ?? run.name),
                    "config": .string(JSONValue.object(config).serialized),
                    "tags": .array(place.tags.map(JSONValue.string)),
                ],
            ],
            to: "/graphql"
        )
        let bucket = answer["data"]?["upsertBucket"]?["bucket"]
        guard let name = bucket?["name"]?.string, let project = bucket?["project"],
            let projectName = project["name"]?.string,
            let entity = project["entity"]?["name"]?.string
        else {
            let reason = answer["errors"]?.array?.first?["message"]?.string ?? "no run was made"
            throw TrackerError("\(client.endpoint): \(reason.prefix(200))")
        }
        try memory.keep(name, for: "wandb")
        let parts = ["files", entity, projectName, name, "file_stream"]
        let path = parts.map { (part: String) -> String in
            part.addingPercentEncoding(withAllowedCharacters: CharacterSet.urlPathAllowed) ?? ""
        }
        state.withLock { state in
            state.path = "/" + path.joined(separator: "/")
            // One line a step: what is trained again is written over.
            state.lines = step
        }
    }

    func log(_ steps: [TrackedMetrics]) async throws {
        let (path, offset, start) = state.withLock { ($0.path, $0.lines, $0.start) }
        var summary = state.withLock { $0.summary }
        var lines: [JSONValue] = []
        for metrics in steps {
            var line = JSONObject()
            for entry in metrics.entries { line[entry.filed] = JSONValue(entry.value) }
            line["train/global_step"] = JSONValue(metrics.step)
            line["_step"] = JSONValue(metrics.step)
            line["_timestamp"] = JSONValue(Date().timeIntervalSince1970)
            line["_runtime"] = JSONValue(Date().timeIntervalSince(start))
            lines.append(.string(JSONValue.object(line).serialized))
            for (key, value) in line.members { summary[key] = value }
        }
        _ = try await client.send(
            ["files": Self.files(history: lines, at: offset, summary)],
            to: path
        )
        let sent = lines.count
        state.withLock { [summary] state in
            state.lines = offset + sent
            state.summary = summary
        }
    }

    func end(_ result: TrackedResult) async throws {
        let path = state.withLock { $0.path }
        var summary = state.withLock { $0.summary }
        for entry in result.metrics.entries { summary[entry.filed] = JSONValue(entry.value) }
        let offset = state.withLock { $0.lines }
        _ = try await client.send(
            [
                "files": Self.files(history: [], at: offset, summary),
                "complete": true, "exitcode": result.isFinished ? 0 : 1,
            ],
            to: path
        )
    }

    private static func files(
        history: [JSONValue],
        at offset: Int,
        _ summary: JSONObject
    ) -> JSONValue {
        var files = JSONObject()
        if !history.isEmpty {
            files["wandb-history.jsonl"] = [
                "offset": JSONValue(offset), "content": .array(history),
            ]
        }
        files["wandb-summary.json"] = [
            "offset": 0, "content": [.string(JSONValue.object(summary).serialized)],
        ]
        return .object(files)
    }
}
