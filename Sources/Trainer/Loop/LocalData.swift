import Foundation
import InferenceRuntime

/// The data a configuration file names: files, or entries of LLaMA-Factory's `dataset_info.json`.
struct LocalData {
    let data: TrainingData

    init(
        _ configuration: TrainConfiguration,
        _ hyperparameters: Hyperparameters,
        _ base: LocalTraining.Base
    ) throws {
        let context = base.model.architecture.contextLength
        let encoder = ExampleEncoder(
            model: base.examples,
            options: EncodingOptions(
                cutoffLength: min(hyperparameters.cutoffLength, context),
                promptLossWeight: Float(hyperparameters.promptLossWeight),
                maskHistory: hyperparameters.maskHistory
            ),
            // The same text at every start: a template's date must not change what is trained.
            now: TemplateClock(seconds: 0, offset: 0)
        )
        var training = try Self.read(configuration.datasets, configuration, encoder)
        var validation = try Self.read(configuration.validationDatasets, configuration, encoder)
        if configuration.validationSize > 0, validation.training.isEmpty {
            let size = configuration.validationSize
            let split = ValidationSplit(
                count: training.training.count,
                size: size < 1 ? .share(size) : .count(Int(min(size, 1e9))),
                seed: hyperparameters.seed
            )
            let all = training.training
            validation.training = split.validation.map { all[$0] }
            training.training = split.training.map { all[$0] }
        }
        data = TrainingData(
            training: training.training,
            validation: validation.training,
            hash: training.hash + "+" + validation.hash,
            notes: training.notes
        )
    }

    private static func read(
        _ names: [String],
        _ configuration: TrainConfiguration,
        _ encoder: ExampleEncoder
    ) throws -> TrainingData {
        var all = TrainingData(training: [], validation: [], hash: "", notes: [])
        for name in names {
            let path = try path(of: name, configuration)
            try check(configuration.stage, path)
            let file = TrainingFileLocation(path: path, name: path)
            do throws(FineTuningError) {
                let one = try EngineRunner.read(training: file, validation: nil, encoder)
                all.training += one.training.prefix(configuration.maximumExamples ?? .max)
                all.hash += one.hash
                all.notes += one.notes.map { "\(name): \($0)" }
            } catch {
                throw TrainConfigurationError("dataset", "\(path): \(error.message)")
            }
        }
        return all
    }

    /// Texts are for pre-training, and everything else is for instruction tuning.
    private static func check(_ stage: TrainConfiguration.Stage, _ path: String) throws {
        // What cannot be read at all is told of when the file is read as a whole.
        guard let first = try? TrainingFileReader(path: path, name: path).next() else { return }
        let wanted: TrainConfiguration.Stage
        switch first.content {
        case .text: wanted = .pt
        case .chat, .completion: wanted = .sft
        }
        guard wanted != stage else { return }
        throw TrainConfigurationError(
            "stage",
            "'stage' is '\(stage.rawValue)', but \(path) holds "
                + (wanted == .pt ? "plain texts" : "questions and answers")
                + ": write 'stage: \(wanted.rawValue)', or choose another 'dataset'."
        )
    }

    /// A file as it is named, one in the dataset folder, or what `dataset_info.json` calls so.
    private static func path(
        of name: String,
        _ configuration: TrainConfiguration
    ) throws -> String {
        let folder = configuration.datasetFolder
        let entry = try DatasetEntry(name, in: folder)
        let candidates = entry.map { [$0.path] } ?? [name, "\(folder)/\(name)"]
        guard let path = candidates.first(where: FileManager.default.isReadableFile) else {
            throw TrainConfigurationError(
                "dataset",
                entry.map { "The file of dataset '\(name)' cannot be read: \($0.path)." }
                    ?? "There is no dataset '\(name)': no such file, and no such entry in "
                    + "\(folder)/dataset_info.json."
            )
        }
        return path
    }
}
