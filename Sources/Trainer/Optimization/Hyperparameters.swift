package import InferenceRuntime

/// Every choice of a fine-tuning run, resolved: what the job object echoes and the trainer uses.
///
/// Names, ranges and meanings stand in the table `Hyperparameter.all`. The defaults follow
/// LLaMA-Factory's LoRA recipe; the first four and the seed are those of a file of one example.
public struct Hyperparameters: Sendable, Hashable {
    /// The learning rate that `learning_rate_multiplier` 1 stands for.
    public static let baseLearningRate = 1e-4

    /// How the run learns; what the values of its own rows belong to.
    public var method = TrainingMethod.supervised
    /// Passes over the training file.
    public var epochs = 3.0
    /// Optimizer steps of the whole run, in place of `epochs`.
    public var maxSteps: Int?
    /// Sequences per optimizer step.
    public var batchSize = 1
    /// The peak learning rate.
    public var learningRate = baseLearningRate
    /// The factor of 1e-4 that gave `learningRate`, as OpenAI's job object shows it.
    public var learningRateMultiplier = 1.0
    /// Rank of the adapter, 1–256.
    public var rank = 8
    /// The adapter's alpha; the scale is alpha/rank, or alpha/√rank with `useRSLoRA`.
    public var alpha = 16.0
    /// Probability with which an input of the adapter is dropped in training.
    public var dropout = 0.0
    /// The module names to train, such as `q_proj`, or the single `all-linear`.
    public var targetModules = ["all-linear"]
    /// Scale alpha/√rank (Kalajdzievski 2023).
    public var useRSLoRA = false
    /// Weight-decomposed adaptation (Liu and others, 2024).
    public var useDoRA = false
    /// The learning rate of B over that of A (Hayou and others, 2024); `nil` where they are equal.
    public var loraPlusRatio: Double?
    /// Noise on the embeddings (Jain and others, 2023); `nil` without.
    public var neftuneAlpha: Double?
    /// How the learning rate moves.
    public var schedule = LearningRateSchedule.Kind.cosine
    /// Arguments of the schedule.
    public var scheduleOptions = LearningRateSchedule.Options()
    /// Share of the steps that warm up, where `warmupSteps` is `nil`.
    public var warmupRatio = 0.1
    /// Optimizer steps that warm up.
    public var warmupSteps: Int?
    /// Decoupled weight decay.
    public var weightDecay = 0.0
    /// Decay of the mean of the gradient.
    public var adamBeta1 = 0.9
    /// Decay of the mean of its square.
    public var adamBeta2 = 0.999
    /// Added to the denominator after bias correction.
    public var adamEpsilon = 1e-8
    /// The largest global gradient norm; 0 does not clip.
    public var maxGradNorm = 1.0
    /// Micro-batches that make one optimizer step of `batchSize` sequences.
    public var gradientAccumulationSteps = 1
    /// The longest example in tokens; longer ones are cut.
    public var cutoffLength = 2048
    /// Put several examples into one row; attention never crosses them.
    public var packing = false
    /// Optimizer steps between checkpoints; `nil` saves at the end of each epoch.
    public var saveSteps: Int?
    /// How many checkpoints are kept; `nil` keeps all.
    public var saveTotalLimit: Int?
    /// When the validation data are measured.
    public var evaluation = Evaluation.atCheckpoints
    /// Optimizer steps between measurements, where `evaluation` is `steps`.
    public var evaluationSteps = 500
    /// Measurements without progress after which the run ends; `nil` runs to the end.
    public var earlyStopping: Int?
    /// The result is the checkpoint with the best measurement rather than the last.
    public var keepsBest = false
    /// What "best" is by.
    public var bestMetric = BestMetric.loss
    /// Seed of initialisation, order, dropout and noise.
    public var seed = 0
    /// Weight of the loss on prompt tokens; 0 trains completions only.
    public var promptLossWeight = 0.0
    /// Train on the last assistant turn only.
    public var maskHistory = false
    /// How strongly the policy is held to the reference: β of DPO and its kin, and of KTO.
    public var beta = 0.1
    /// The loss of pairs.
    public var preferenceLoss = PreferenceLoss.sigmoid
    /// The share of pairs whose labels are taken to be wrong.
    public var labelSmoothing = 0.0
    /// SimPO's margin.
    public var simpoGamma = 0.5
    /// Weight of the cross-entropy of better answers beside the loss.
    public var ftx = 0.0
    /// What tokens beyond the shorter answer's length count (Liu and others, 2024); `nil` counts all.
    public var ldAlpha: Double?
    /// Weight of BCO's loss beside that of the pairs.
    public var bcoWeight = 0.0
    /// KTO's weight of good answers.
    public var desirableWeight = 1.0
    /// KTO's weight of bad answers.
    public var undesirableWeight = 1.0
    /// The loss of reinforcement.
    public var policyLoss = PolicyLoss.dapo
    /// Answers per prompt.
    public var groupSize = 8
    /// The longest answer that is drawn, in tokens.
    public var maxCompletionTokens = 256
    /// What answers are drawn at.
    public var temperature = 1.0
    /// How far below 1 the ratio of new to old probabilities counts.
    public var epsilon = 0.2
    /// How far above 1; `nil` as far as below.
    public var epsilonHigh: Double?
    /// Optimizer steps on the same answers.
    public var updatesPerBatch = 1
}

extension Hyperparameters {
    /// When the validation data are measured; always at the end too.
    public enum Evaluation: String, Sendable, Hashable, CaseIterable {
        /// At each checkpoint.
        case atCheckpoints = "save"
        /// After a number of steps.
        case steps
        /// After each epoch.
        case epoch
    }

    /// What a measurement is judged by.
    public enum BestMetric: String, Sendable, Hashable, CaseIterable {
        /// The lowest loss.
        case loss = "eval_loss"
        /// The highest token accuracy.
        case accuracy = "eval_accuracy"
    }
    /// Optimizer steps of a run over `examples` training examples, as transformers counts them: a
    /// part of an epoch is rounded up to whole steps.
    public func totalSteps(examples: Int) -> Int {
        maxSteps ?? Int((epochs * Double(stepsPerEpoch(examples: examples))).rounded(.up))
    }

    /// Optimizer steps of one epoch; the last one may see fewer sequences.
    public func stepsPerEpoch(examples: Int) -> Int {
        max(1, (examples + batchSize - 1) / batchSize) * stepsPerBatch
    }

    /// Optimizer steps on one batch of examples.
    var stepsPerBatch: Int { method == .reinforcement ? updatesPerBatch : 1 }

    /// The adapter these choices ask for.
    package var loraConfiguration: LoRAConfiguration {
        var configuration = LoRAConfiguration()
        configuration.rank = rank
        configuration.alpha = alpha
        configuration.dropout = dropout
        configuration.usesRSLoRA = useRSLoRA
        configuration.usesDoRA = useDoRA
        let isAll = targetModules == ["all-linear"]
        configuration.targets = isAll ? .allLinear : .names(targetModules)
        return configuration
    }

    /// The schedule of a run over `totalSteps` optimizer steps.
    public func learningRateSchedule(totalSteps: Int) -> LearningRateSchedule {
        LearningRateSchedule(
            kind: schedule,
            warmupSteps: LearningRateSchedule.warmupSteps(
                steps: warmupSteps,
                ratio: warmupRatio,
                total: totalSteps
            ),
            totalSteps: totalSteps,
            baseRate: learningRate,
            options: scheduleOptions
        )
    }
}
