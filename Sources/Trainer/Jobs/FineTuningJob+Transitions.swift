/// An action that a job's status does not allow.
public struct FineTuningTransitionError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was asked, such as `cancel`.
    public let action: String
    /// Where the job stands.
    public let status: FineTuningStatus

    /// A sentence for the client.
    public var description: String {
        "A job that is \(status.rawValue) cannot be asked to \(action)."
    }
}

/// The state machine of a job: each change is one function, and says when it is not allowed.
extension FineTuningJob {
    /// The files were read: the job waits for its turn with every choice resolved.
    mutating func enqueue(_ hyperparameters: Hyperparameters, totalSteps: Int, now: Int) {
        guard status == .validatingFiles else { return }
        self.hyperparameters = hyperparameters
        self.totalSteps = totalSteps
        move(to: .queued, now)
    }

    /// Its turn has come; reading its files is no training.
    mutating func start(now: Int) {
        guard status == .queued else { return }
        move(to: .running, now)
    }

    /// Its owner ends it.
    mutating func cancel(now: Int) throws(FineTuningTransitionError) {
        guard status.isLive else { throw refusal("cancel") }
        end(.cancelled, now)
    }

    /// Its owner stops it for now.
    mutating func pause(now: Int) throws(FineTuningTransitionError) {
        guard status == .queued || status == .running else { throw refusal("pause") }
        move(to: .paused, now)
    }

    /// Its owner lets it go on: it waits for its turn again.
    mutating func resume(now: Int) throws(FineTuningTransitionError) {
        guard status == .paused else { throw refusal("resume") }
        move(to: .queued, now)
    }

    /// Its model is there.
    mutating func succeed(trainedTokens: Int, resultFiles: [String], now: Int) {
        self.trainedTokens = trainedTokens
        self.resultFiles = resultFiles
        end(.succeeded, now)
    }

    /// It ends with an error.
    mutating func fail(_ error: FineTuningError, now: Int) {
        self.error = error
        end(.failed, now)
    }

    private mutating func move(to status: FineTuningStatus, _ now: Int) {
        self.status = status
        updated = now
        estimatedFinish = nil
    }

    private mutating func end(_ status: FineTuningStatus, _ now: Int) {
        move(to: status, now)
        finished = now
    }

    private func refusal(_ action: String) -> FineTuningTransitionError {
        FineTuningTransitionError(action: action, status: status)
    }
}
