/// Who wants a run's steps and checkpoints, and says when it is to stop: a job's events and
/// published models, or the terminal.
///
/// The loop waits for each call. What a call throws ends the run with that error.
package protocol TrainingObserver: Sendable {
    /// What the run should do now; asked between steps, and before the end.
    var order: TrainingOrder { get }
    /// A step is done and in the log.
    func didStep(_ record: StepRecord, _ pace: TrainingPace) async throws
    /// A checkpoint that was due is durable.
    func didSave(_ checkpoint: TrainingCheckpoint) async throws
    /// Checkpoints whose turn is over are about to go.
    func willRemove(checkpoints steps: [Int]) async
    /// All steps are done; `last` is the run's last checkpoint.
    func didFinish(_ last: TrainingCheckpoint, seconds: Double) async throws
}

/// What a run should do.
public enum TrainingOrder: Sendable, Hashable {
    /// Go on.
    case proceed
    /// Save a checkpoint and leave off.
    case save
    /// Leave off at once; nothing more is wanted.
    case abandon
}

/// How fast a run comes on.
package struct TrainingPace: Sendable {
    /// Seconds since this part of the run began.
    let seconds: Double
    /// Seconds until the end, at the pace so far.
    let remaining: Double
}

/// Where steps are computed, one after the other: the engine's thread, or one of a program's own.
package protocol TrainingThread: Sendable {
    /// Runs `body` there; it calls the function it is given between layers, and ends by throwing
    /// when that throws.
    func compute<Value: Sendable>(
        _ body: @escaping @Sendable (_ yield: @escaping () throws -> Void) throws -> Value
    ) async throws -> Value
}
