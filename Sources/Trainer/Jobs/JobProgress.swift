import Foundation
import InferenceRuntime
import Logging

/// Writes the progress of one job into the store.
struct JobProgress: FineTuningProgress {
    let key: String
    let store: FineTuningStore
    let logger: Logger
    /// Called when a checkpoint is on the list.
    var didSave: @Sendable () async -> Void = {}

    func note(_ message: String, level: FineTuningEvent.Level) async {
        await attempt { try await store.add(message, level: level, to: key, now: now) }
    }

    func step(
        _ step: Int,
        message: String,
        metrics: JSONObject,
        estimatedFinish: Int?
    ) async {
        await attempt {
            try await store.addStep(
                step,
                message: message,
                metrics: .object(metrics),
                estimatedFinish: estimatedFinish,
                to: key,
                now: now
            )
        }
    }

    func checkpoint(step: Int, model: String, metrics: JSONObject) async {
        let checkpoint = FineTuningCheckpoint(
            step: step,
            created: now,
            model: model,
            metrics: .object(metrics),
            job: key
        )
        let isNew = await attempt { try await store.add(checkpoint) } ?? true
        if isNew { await note("Checkpoint created at step \(step): \(model)", level: .info) }
        await didSave()
    }

    func removedCheckpoints(steps: [Int]) async {
        await attempt { try await store.removeCheckpoints(of: key, steps: steps) }
    }

    /// Progress that cannot be written does not end the run; the log says so.
    @discardableResult
    private func attempt<Value: Sendable>(_ body: () async throws -> Value) async -> Value? {
        do {
            return try await body()
        } catch {
            logger.error("progress not saved", metadata: ["job": "\(key)", "error": "\(error)"])
            return nil
        }
    }

    private var now: Int { Int(Date().timeIntervalSince1970) }
}
