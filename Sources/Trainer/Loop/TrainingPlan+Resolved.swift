extension TrainingPlan {
    /// The hyperparameters with what only the data decides filled in: how many steps warm up, and
    /// how many lie between checkpoints.
    var resolvedHyperparameters: Hyperparameters {
        var resolved = hyperparameters
        resolved.warmupSteps =
            hyperparameters.learningRateSchedule(totalSteps: totalSteps)
            .warmupSteps
        resolved.saveSteps = hyperparameters.saveSteps ?? stepsPerEpoch
        return resolved
    }
}
