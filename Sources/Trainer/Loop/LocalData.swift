import Foundation
import InferenceRuntime
import Storage

/// The data a configuration file names: files, or entries of LLaMA-Factory's `dataset_info.json`.
struct LocalData {
    let data: TrainingData

    init(
        _ configuration: TrainConfiguration,
        _ hyperparameters: Hyperparameters,
        _ base: LocalTraining.Base
    ) throws {
        let reader = base.reader(
            EncodingOptions(
                cutoffLength: hyperparameters.cutoffLength,
                promptLossWeight: Float(hyperparameters.promptLossWeight),
                maskHistory: hyperparameters.maskHistory
            )
        )
        // The folder goes at once, and its files with the last who has them open.
        let folder =
            configuration.outputFolder + "/data" + DurableFile.temporaryMark + "\(getpid())"
        try DurableFile.makeFolder(folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let learned = try Self.read(
            configuration.datasets,
            "training",
            configuration,
            reader,
            folder
        )
        var measured = try Self.read(
            configuration.validationDatasets,
            "validation",
            configuration,
            reader,
            folder
        )
        var training = learned.units
        if configuration.validationSize > 0, measured.units.count == 0 {
            let size = configuration.validationSize
            let split = ValidationSplit(
                count: training.count,
                size: size < 1 ? .share(size) : .count(Int(min(size, 1e9))),
                seed: hyperparameters.seed
            )
            measured.units = ChosenUnits(all: training, indices: split.validation.map(UInt32.init))
            training = ChosenUnits(all: training, indices: split.training.map(UInt32.init))
        }
        data = try TrainingData(
            training: training,
            validation: measured.units,
            hash: learned.hash + "+" + measured.hash,
            notes: learned.notes
        )
    }

    private static func read(
        _ names: [String],
        _ part: String,
        _ configuration: TrainConfiguration,
        _ reader: DatasetReader,
        _ folder: String
    ) throws -> (units: any TrainingUnits, hash: String, notes: [String]) {
        var parts: [any TrainingUnits] = []
        var (hash, notes) = ("", [String]())
        for (number, name) in names.enumerated() {
            let path = try path(of: name, configuration)
            try check(configuration.stage, path)
            do {
                let found = try reader.read(
                    TrainingFileLocation(path: path, name: path),
                    maximum: configuration.maximumExamples,
                    into: "\(folder)/\(part)-\(number)"
                )
                parts.append(found.units)
                hash += found.hash
                notes += found.notes.map { "\(name): \($0)" }
            } catch let error as TrainingFileError {
                throw TrainConfigurationError("dataset", "\(path): \(error)")
            }
        }
        return (JoinedUnits(parts: parts), hash, notes)
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

extension LocalTraining.Base {
    /// A reader for files on this base.
    func reader(_ options: EncodingOptions) -> DatasetReader {
        var options = options
        options.cutoffLength = min(options.cutoffLength, model.architecture.contextLength)
        return DatasetReader(
            // The same text at every start: a template's date must not change what is trained.
            encoder: ExampleEncoder(
                model: examples,
                options: options,
                now: TemplateClock(seconds: 0, offset: 0)
            ),
            vocabulary: model.architecture.vocabularySize
        )
    }
}
