import ArgumentParser
import Foundation
import InferenceRuntime
import Trainer

/// `facet train`.
struct TrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Run one fine-tuning without a server, from a LLaMA-Factory configuration file.",
        discussion: """
            The adapter, its checkpoints and logs go to 'output_dir'; started again, the run goes on \
            from its last checkpoint. SIGTERM and SIGINT make it save where it is. Keys that are silent \
            mean what they mean to LLaMA-Factory; \
            what cannot be honoured is refused by name, and what has no effect is said.

            Examples:
              facet train examples/sft.yaml
              facet train examples/sft.yaml lora_rank=16 num_train_epochs=1 output_dir=out/r16
            """
    )

    @Argument(help: "The configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @Argument(help: "Values in place of the file's: key=value, any number of them.")
    var overrides: [String] = []

    @OptionGroup var engine: EngineOptions

    func run() async throws {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw CommandError("\(file): the file cannot be read.")
        }
        let configuration: TrainConfiguration
        do throws(TrainConfigurationError) {
            configuration = try TrainConfiguration(
                try YAMLFile.object(text, overriding: overrides)
            )
        } catch {
            throw CommandError("\(file): \(error)")
        }
        let pool = ThreadPool(threads: engine.threads)
        let checkpoint = try ServedCheckpoint.load(
            configuration.model,
            name: nil,
            engine,
            pool: pool
        )
        let training = try LocalTraining(
            configuration,
            base: LocalTraining.Base(
                model: checkpoint.model,
                name: checkpoint.name,
                context: ComputeContext(pool: pool, dtype: engine.computeDtype),
                examples: checkpoint.exampleModel
            )
        )
        for note in training.notes { say(note) }
        StopSignals.catchFirst()
        let line = ProgressLine("training")
        let end = try await training.run(isStopping: { StopSignals.received != nil }) {
            Self.show($0, line)
        }
        line.finish()
        switch end {
        case .finished: print(configuration.outputFolder)
        case .stopped(let step):
            say(
                "Stopped after step \(step), which is saved. 'facet train \(file)' goes on from "
                    + "there."
            )
            throw ExitCode(128 + (StopSignals.received ?? SIGTERM))
        }
    }

    private static func show(_ progress: LocalTraining.Progress, _ line: ProgressLine) {
        let loss = String(format: "loss %.4f", progress.loss)
        let left = Duration.seconds(progress.remaining)
            .formatted(.time(pattern: .hourMinuteSecond))
        let note = "step \(progress.step)/\(progress.totalSteps) \(loss) left \(left)"
        line.show(Double(progress.step) / Double(progress.totalSteps), note: note)
        if !line.isTerminal { say(note) }
        if let validLoss = progress.validLoss {
            line.finish()
            say(String(format: "step %d: validation loss %.4f", progress.step, validLoss))
        }
    }
}
