/// When a run is measured, and what follows from the measurements: all functions of the history, so
/// that a run that is taken up decides as one that was left alone.
extension TrainingPlan {
    /// Whether the validation data are measured after so many steps.
    func isMeasuringPoint(_ step: Int) -> Bool {
        guard validation.count > 0 else { return false }
        switch hyperparameters.evaluation {
        case .atCheckpoints: return isSavePoint(step)
        case .steps: return step == totalSteps || step % hyperparameters.evaluationSteps == 0
        case .epoch: return step == totalSteps || step % stepsPerEpoch == 0
        }
    }

    /// Whether a run with this history is over: all steps are done, or the last
    /// `early_stopping_steps` measurements brought no progress.
    func isOver(_ history: [StepRecord]) -> Bool {
        guard history.count < totalSteps else { return true }
        guard let patience = hyperparameters.earlyStopping else { return false }
        let measured = history.filter { measurement($0) != nil }
        guard let best = best(measured) else { return false }
        return measured.count - 1 - best >= patience
    }

    /// The saved step whose measurement is the best, the first of equals; `nil` where none was
    /// measured.
    func bestStep(of history: [StepRecord]) -> Int? {
        let measured = history.filter { measurement($0) != nil && isSavePoint($0.step) }
        return best(measured).map { measured[$0].step }
    }

    /// The place of the best of some measured steps.
    private func best(_ measured: [StepRecord]) -> Int? {
        measured.indices.min { left, right in
            (measurement(measured[left]) ?? .infinity) < (measurement(measured[right]) ?? .infinity)
        }
    }

    /// What a step was measured at, the lower the better; `nil` where it was not.
    private func measurement(_ record: StepRecord) -> Double? {
        switch hyperparameters.bestMetric {
        case .loss: record.validLoss
        case .accuracy: record.validAccuracy.map { -$0 }
        }
    }
}
