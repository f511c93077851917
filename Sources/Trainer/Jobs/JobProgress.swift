import Foundation
import InferenceRuntime
import Logging

/// Writes the progress of one job into the store.
struct JobProgress: FineTuningProgress {
    let key: String
    let store: FineTuningStore
    let logger: Logger

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
        await attempt { try await store.add(checkpoint) }
        await note("Checkpoint created at step \(step): \(model)", level: .info)
    }

    func removedCheckpoints(steps: [Int]) async {
        await attempt { try await store.removeCheckpoints(of: key, steps: steps) }
    }

    /// Progress that cannot be written does not end the run; the log says so.
    private func attempt(_ body: () async throws -> Void) async {
        do {
            try await body()
        } catch {
            logger.error("progress not saved", metadata: ["job": "\(key)", "error": "\(error)"])
        }
    }

    private var now: Int { Int(Date().timeIntervalSince1970) }
}
