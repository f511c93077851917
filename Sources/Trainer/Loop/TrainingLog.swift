import InferenceRuntime
import Glibc

/// `trainer_log.jsonl` while a run goes on: rewritten from the history, then a line per step.
struct TrainingLog: ~Copyable {
    private let file: OpenFile

    /// Begins the log anew.
    init(path: String) throws(FileSystemError) {
        file = try OpenFile(path, flags: O_WRONLY | O_CREAT | O_TRUNC)
    }

    /// Adds the steps that were done before, without times.
    func append(_ history: [StepRecord]) throws(FileSystemError) {
        for record in history { try append(record, seconds: 0, startStep: 0) }
    }

    /// Adds a step.
    func append(
        _ record: StepRecord,
        seconds: Double,
        startStep: Int
    ) throws(FileSystemError) {
        let line = TrainingArtifacts.logLine(record, seconds: seconds, startStep: startStep)
        try file.write(Array(line.utf8))
    }
}
