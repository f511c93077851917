import Storage
import Foundation
public import InferenceRuntime

/// A run without a server: `facet train`.
///
/// The same steps as a job's, in the folder the configuration names: the adapter in PEFT's files,
/// checkpoints to go on from, and the logs.
public struct LocalTraining {
    /// What the run trains on.
    public struct Base: Sendable {
        let model: Transformer
        let name: String
        let context: ComputeContext
        let examples: ExampleEncoder.Model

        /// Names the parts of a loaded model.
        public init(
            model: Transformer,
            name: String,
            context: ComputeContext,
            examples: ExampleEncoder.Model
        ) {
            self.model = model
            self.name = name
            self.context = context
            self.examples = examples
        }
    }

    /// How far a run has come.
    public struct Progress: Sendable {
        /// Optimizer steps done, and in all.
        public let step: Int, totalSteps: Int
        /// The loss of the last step.
        public let loss: Double
        /// The validation loss, where it was measured after this step.
        public let validLoss: Double?
        /// Seconds until the end, at the pace so far.
        public let remaining: Double
    }

    private let configuration: TrainConfiguration
    private let base: Base
    private let plan: TrainingPlan
    private let state: TrainingState

    /// Sentences about the data and the plan.
    public let notes: [String]

    /// Reads the data and lays out the parameters.
    public init(_ configuration: TrainConfiguration, base: Base) throws {
        self.configuration = configuration
        self.base = base
        let architecture = base.model.architecture
        let adapter = try configuration.adapter.map { folder in
            try LoRAAdapter(folder: folder, for: architecture)
        }
        let hyperparameters = try configuration.hyperparameters.resolved(
            examples: 1,
            seed: 42,
            goingOnFrom: adapter?.configuration,
            for: architecture
        )
        let data = try LocalData(configuration, hyperparameters, base).data
        plan = TrainingPlan(hyperparameters: hyperparameters, data: data)
        if let adapter {
            state = try TrainingState(copying: adapter, for: architecture)
        } else {
            state = try TrainingState(hyperparameters.loraConfiguration, for: architecture)
            state.initialize(seed: hyperparameters.seed, model: base.model, base.context)
        }
        notes = configuration.notes + data.notes + [plan.summary]
    }

    /// Trains to the end, from the last checkpoint where there is one.
    public func run(_ show: (Progress) -> Void) throws {
        let folder = configuration.outputFolder
        let checkpoints = folder + "/checkpoints"
        if configuration.overwrites { try? FileManager.default.removeItem(atPath: checkpoints) }
        try DurableFile.makeFolder(checkpoints)
        RunCheckpoint.removeUnfinished(below: checkpoints)
        var history: [StepRecord] = []
        if let checkpoint = RunCheckpoint.newest(below: checkpoints) {
            do throws(RunCheckpointError) {
                try checkpoint.restore(state, fingerprint: fingerprint)
            } catch {
                guard case .mismatch(let what) = error else { throw error }
                throw TrainConfigurationError(
                    "output_dir",
                    "'\(folder)' holds a run with another \(what); choose another 'output_dir' or "
                        + "set 'overwrite_output_dir: true'."
                )
            }
            history = checkpoint.history
        }
        let start = ContinuousClock.now
        history = try train(from: history, checkpoints, since: start, show)
        try writer.write(to: folder)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        try RunArtifacts(folder: folder).write(history, seconds: seconds)
    }

    private func train(
        from restored: [StepRecord],
        _ checkpoints: String,
        since start: ContinuousClock.Instant,
        _ show: (Progress) -> Void
    ) throws -> [StepRecord] {
        let run = TrainingRun(
            model: base.model,
            plan: plan,
            state: state,
            workspace: TrainingWorkspace(model: base.model, longest: plan.longest, limit: .max),
            context: base.context
        )
        var history = restored
        let log = try TrainingLog(path: configuration.outputFolder + "/trainer_log.jsonl")
        try log.append(history)
        while history.count < plan.totalSteps {
            var record = try run.step(after: history.last, yield: {})
            let isSavePoint = plan.isSavePoint(record.step)
            if isSavePoint, !plan.validation.isEmpty {
                let measured = try run.evaluate(after: record.step, yield: {})
                record.validLoss = measured.loss
                record.validAccuracy = measured.accuracy
            }
            history.append(record)
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            try log.append(record, seconds: seconds, startStep: restored.count)
            let pace = seconds / Double(record.step - restored.count)
            show(
                Progress(
                    step: record.step,
                    totalSteps: plan.totalSteps,
                    loss: record.loss,
                    validLoss: record.validLoss,
                    remaining: pace * Double(plan.totalSteps - record.step)
                )
            )
            if isSavePoint { try save(history, checkpoints) }
        }
        return history
    }

    private func save(_ history: [StepRecord], _ checkpoints: String) throws {
        guard let step = history.last?.step else { return }
        _ = try RunCheckpoint.write(
            below: checkpoints,
            step: step,
            history: history,
            fingerprint: fingerprint,
            adapter: writer
        )
        let surplus = plan.surplusCheckpoints(after: step)
        RunCheckpoint.remove(below: checkpoints, where: surplus.contains)
    }

    private var writer: PEFTAdapterWriter { PEFTAdapterWriter(base: base.name, state: state) }

    private var fingerprint: RunCheckpoint.Fingerprint {
        RunCheckpoint.fingerprint(
            of: plan,
            on: base.model,
            base.context,
            from: configuration.adapter
        )
    }
}
