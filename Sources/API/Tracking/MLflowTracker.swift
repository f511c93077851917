import Foundation
import InferenceRuntime
import Synchronization
import Trainer

/// MLflow's tracking server by its REST API, with the names that transformers' callback gives.
final class MLflowTracker: RunTracker {
    let name = "MLflow"
    private let client: TrackerClient
    /// The experiment's name.
    private let experiment: String
    /// The run that goes on, where the environment names one.
    private let runID: String?
    private let memory: TrackerMemory
    private let run = Mutex("")

    private static let root = "/api/2.0/mlflow"
    /// What the server takes at once.
    private static let most = (metrics: 1000, parameters: 100, value: 250)

    init(_ client: TrackerClient, experiment: String, runID: String?, memory: TrackerMemory) {
        (self.client, self.experiment, self.runID) = (client, experiment, runID)
        self.memory = memory
    }

    private func send(_ body: JSONValue?, _ path: String) async throws -> JSONValue {
        try await client.send(body, to: Self.root + path)
    }

    func begin(_ run: TrackedRun, after step: Int) async throws {
        let known = step > 0 ? memory.name(for: "mlflow") : nil
        if let id = runID ?? known {
            _ = try await send(["run_id": .string(id), "status": "RUNNING"], "/runs/update")
            self.run.withLock { $0 = id }
            return
        }
        let answer = try await send(
            [
                "experiment_id": .string(try await experimentID()), "start_time": Self.now,
                "run_name": .string(run.name),
                "tags": [["key": "mlflow.runName", "value": .string(run.name)]],
            ],
            "/runs/create"
        )
        guard let id = answer["run"]?["info"]?["run_id"]?.string else {
            throw TrackerError("\(client.endpoint): no run was made")
        }
        try memory.keep(id, for: "mlflow")
        self.run.withLock { $0 = id }
        let models = run.model.members.map { (key: "model." + $0.key, value: $0.value) }
        var parameters: [JSONValue] = (run.parameters.members + models).map { key, value in
            let text = value.string ?? value.serialized
            return ["key": .string(key), "value": .string(String(text.prefix(Self.most.value)))]
        }
        while !parameters.isEmpty {
            let part = Array(parameters.prefix(Self.most.parameters))
            parameters.removeFirst(part.count)
            _ = try await send(["run_id": .string(id), "params": .array(part)], "/runs/log-batch")
        }
    }

    /// The id of the experiment, which is made where there is none.
    private func experimentID() async throws -> String {
        var allowed = CharacterSet.alphanumerics
        allowed.insert(charactersIn: "-._~")
        let name = experiment.addingPercentEncoding(withAllowedCharacters: allowed) ?? ""
        do {
            let found = try await send(nil, "/experiments/get-by-name?experiment_name=\(name)")
            if let id = found["experiment"]?["experiment_id"]?.string { return id }
        } catch let error as TrackerError where error.status == 404 {}
        let made = try await send(["name": .string(experiment)], "/experiments/create")
        guard let id = made["experiment_id"]?.string else {
            throw TrackerError("\(client.endpoint): there is no experiment '\(experiment)'")
        }
        return id
    }

    func log(_ steps: [TrackedMetrics]) async throws {
        var metrics: [JSONValue] = []
        for step in steps {
            for entry in step.entries {
                metrics.append([
                    "key": .string(entry.name), "value": JSONValue(entry.value),
                    "timestamp": Self.now, "step": JSONValue(step.step),
                ])
            }
        }
        let id = run.withLock { $0 }
        while !metrics.isEmpty {
            let part = Array(metrics.prefix(Self.most.metrics))
            metrics.removeFirst(part.count)
            _ = try await send(["run_id": .string(id), "metrics": .array(part)], "/runs/log-batch")
        }
    }

    func end(_ result: TrackedResult) async throws {
        try await log([result.metrics])
        _ = try await send(
            [
                "run_id": .string(run.withLock { $0 }), "end_time": Self.now,
                "status": result.isFinished ? "FINISHED" : "KILLED",
            ],
            "/runs/update"
        )
    }

    private static var now: JSONValue { JSONValue(Int(Date().timeIntervalSince1970 * 1000)) }
}
