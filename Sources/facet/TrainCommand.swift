import API
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
              facet train examples/sft.yaml --plan
              mpirun -n 2 facet train examples/sft.yaml

            Processes of mpirun share the passes of each step, of which there are \
            gradient_accumulation_steps; the adapter has the same bits however many they are.
            """
    )

    @Argument(help: "The configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @Argument(help: "Values in place of the file's: key=value, any number of them.")
    var overrides: [String] = []

    @Flag(help: "Print what would be done as one JSON object, and train nothing.")
    var plan = false

    @OptionGroup var engine: EngineOptions

    func run() async throws {
        var configuration = try configuration()
        let group = plan ? nil : try MPIGroup.ofLauncher()
        // A plan leaves no trace where the adapter would go, and of a group one process writes there.
        let scratch = NSTemporaryDirectory() + "facet-train-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        let isSilent = (group?.rank ?? 0) > 0
        if plan || isSilent { (configuration.outputFolder, configuration.trackers) = (scratch, []) }
        let (training, template) = try training(&configuration)
        if plan { return print(JSONValue.object(training.description).serialized) }
        let trackers: [any RunTracker]
        do throws(TrackerEnvironmentError) {
            trackers = try TrackerEnvironment(ProcessInfo.processInfo.environment)
                .trackers(configuration.trackers, memory: training.trackerMemory)
        } catch {
            throw CommandError("\(file): \(error)")
        }
        StopSignals.catchFirst()
        if isSilent {
            _ = try await training.run(in: group, isStopping: Self.isStopping) { _ in }
            group?.leave()
            return
        }
        for note in training.notes { say("\(note)") }
        say(training.summary)
        if let group { say("\(group.count) processes share each step.") }
        if let template { try keep(template, in: configuration.outputFolder) }
        try await train(training, in: group, trackers)
        if let tokens = configuration.predictedTokens {
            try await predict(configuration, tokens: tokens, hasOwnTemplate: template != nil)
        }
        print(configuration.outputFolder)
    }

    private func configuration() throws -> TrainConfiguration {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw CommandError("\(file): the file cannot be read.")
        }
        do throws(TrainConfigurationError) {
            return try TrainConfiguration(try YAMLFile.object(text, overriding: overrides))
        } catch {
            throw CommandError("\(file): \(error)")
        }
    }

    /// Loads the base and reads the data.
    /// - Returns: The run, and the Jinja text of a prompt format the base did not have.
    private func training(
        _ configuration: inout TrainConfiguration
    ) throws -> (LocalTraining, template: String?) {
        let pool = ThreadPool(threads: engine.threads.value)
        let checkpoint = try ServedCheckpoint.load(
            configuration.model,
            name: nil,
            engine,
            pool: pool
        )
        var base = checkpoint.base
        var template: String?
        if base.encoder.templates == nil, let name = configuration.template,
            let format = NamedTemplate(name)
        {
            template = format.jinja
            base.encoder = ConversationEncoder(
                tokenizer: base.encoder.tokenizer,
                templates: try ChatTemplateSet.load(
                    jinjaFile: format.jinja,
                    toolUseFile: nil,
                    tokenizerConfig: nil
                )
            )
            configuration.notes.removeAll { $0.key == "template" }
            configuration.notes.append(
                TrainConfiguration.Note(
                    "template",
                    "The checkpoint has no chat template: '\(name)' is used. Serve the adapter with "
                        + "--chat-template \(configuration.outputFolder)/chat_template.jinja."
                )
            )
        }
        let training = try LocalTraining(
            configuration,
            base: LocalTraining.Base(
                base,
                model: checkpoint.model,
                context: ComputeContext(pool: pool, dtype: engine.computeDtype)
            )
        )
        return (training, template)
    }

    /// Asked between layers, or between the steps of a group.
    @Sendable private static func isStopping() -> Bool { StopSignals.received != nil }

    private func keep(_ template: String, in folder: String) throws {
        let path = folder + "/chat_template.jinja"
        do {
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true
            )
            try template.write(toFile: path, atomically: true, encoding: .utf8)
        } catch {
            throw CommandError("\(path): the file cannot be written: \(error)")
        }
    }

    private func train(
        _ training: LocalTraining,
        in group: MPIGroup?,
        _ trackers: [any RunTracker]
    ) async throws {
        let line = ProgressLine("training")
        let end = try await training.run(
            in: group,
            reportingTo: trackers,
            isStopping: Self.isStopping,
            tell: { text in
                line.finish()
                say(text)
            }
        ) { Self.show($0, line) }
        group?.leave()
        line.finish()
        switch end {
        case .finished: return
        case .stopped(let step):
            say(
                "Stopped after step \(step), which is saved. 'facet train \(file)' goes on from "
                    + "there."
            )
            throw ExitCode(128 + (StopSignals.received ?? SIGTERM))
        }
    }

    /// Answers the prompts of the validation files with the new adapter, as `do_predict` asks.
    private func predict(
        _ configuration: TrainConfiguration,
        tokens: Int,
        hasOwnTemplate: Bool
    ) async throws {
        let folder = configuration.outputFolder
        var engine = engine
        if hasOwnTemplate { engine.chatTemplate = folder + "/chat_template.jinja" }
        let local = try LocalModel(model: configuration.model, adapter: folder, engine)
        var options = LocalEvaluation.Options()
        options.maximumExamples = configuration.maximumExamples
        options.answerTokens = tokens
        options.concurrency = engine.maxBatch
        let predictions: [Prediction]
        do {
            let files = try configuration.validationFiles()
            let evaluation = try LocalEvaluation(local.subject, files: files, options: options)
            let line = ProgressLine("answering")
            predictions = try await evaluation.predictions { line.show($0) }
            line.finish()
        } catch let error as FineTuningError {
            throw CommandError("do_predict: \(error.message)")
        }
        try predictions.write(to: folder + "/generated_predictions.jsonl")
        let results = JSONValue.object(AnswerScores(predictions).json).serialized
        try results.write(
            toFile: folder + "/predict_results.json",
            atomically: true,
            encoding: .utf8
        )
        say(results)
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
