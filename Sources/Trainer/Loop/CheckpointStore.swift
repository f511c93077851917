import InferenceRuntime

/// The checkpoints of one run: the newest to go on from, and each new one as it is taken.
package struct CheckpointStore: Sendable {
    /// The folder of the folders `step-N`.
    let folder: String
    /// What must be the same for the run to go on.
    let fingerprint: TrainingCheckpoint.Fingerprint
    /// Writes the adapter; it borrows the training state.
    let writer: PEFTAdapterWriter
    /// Threads for files.
    let threads: WorkerPool

    /// Takes a run up where its newest checkpoint left it: values and moments go into the state.
    /// - Returns: The records of the steps that are done; none where there is no checkpoint.
    /// - Throws: `TrainingCheckpointError` where the checkpoint is of another run.
    func restore() async throws -> [StepRecord] {
        let (folder, fingerprint, state) = (folder, fingerprint, writer.state)
        return try await threads.run {
            try DurableFile.makeFolder(folder)
            TrainingCheckpoint.removeUnfinished(below: folder)
            guard let checkpoint = TrainingCheckpoint.newest(below: folder) else { return [] }
            try checkpoint.restore(state, fingerprint: fingerprint)
            return checkpoint.history
        }
    }

    /// Saves where the run is; durable when this returns, and `nil` before the first step.
    func save(_ history: [StepRecord]) async throws(FileSystemError) -> TrainingCheckpoint? {
        guard let step = history.last?.step else { return nil }
        let (folder, fingerprint, writer) = (folder, fingerprint, writer)
        return try await threads.run { () throws(FileSystemError) in
            try TrainingCheckpoint.write(
                below: folder,
                step: step,
                history: history,
                fingerprint: fingerprint,
                adapter: writer
            )
        }
    }

    /// Where the checkpoint of a step lies; `nil` where it is not there whole.
    func folder(of step: Int) -> String? {
        TrainingCheckpoint.read("\(folder)/step-\(step)")?.checkpoint.folder
    }

    /// Removes the checkpoints of the steps that `isSurplus` names.
    func remove(where isSurplus: @escaping @Sendable (Int) -> Bool) async {
        let folder = folder
        await threads.run { TrainingCheckpoint.remove(below: folder, where: isSurplus) }
    }
}
