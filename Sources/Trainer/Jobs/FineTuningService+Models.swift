import AdapterStore
import Foundation

extension FineTuningService {
    /// Forgets what a job kept for a model that has been deleted.
    ///
    /// With a fine-tuned model go all checkpoints and files of its job; with a checkpoint goes
    /// that checkpoint alone. Names of other models change nothing.
    public func didDelete(model name: String) async throws {
        guard name.utf8.starts(with: AdapterName.fineTunedPrefix.utf8) else { return }
        if let (model, step) = Self.checkpoint(name) {
            guard let job = try await store.job(model: model) else { return }
            return try await store.removeCheckpoints(of: job.key, steps: [step])
        }
        guard let job = try await store.job(model: name), !job.status.isLive else { return }
        try await store.removeAllCheckpoints(of: job.key)
        await trainer.removeFiles(of: job)
        await noteStoredBytes(of: job)
    }

    /// The model and the step that a checkpoint's name stands for.
    private static func checkpoint(_ name: String) -> (model: String, step: Int)? {
        guard let mark = name.range(of: AdapterName.checkpointMark),
            let step = Int(name[mark.upperBound...])
        else { return nil }
        return (model: String(name[..<mark.lowerBound]), step: step)
    }
}
