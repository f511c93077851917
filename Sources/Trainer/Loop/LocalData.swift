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
                maskHistory: hyperparameters.maskHistory,
                method: hyperparameters.method
            )
        )
        // The folder goes at once, and its files with the last who has them open.
        let folder =
            configuration.outputFolder + "/data" + DurableFile.temporaryMark + "\(getpid())"
        try DurableFile.makeFolder(folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let learned = try Self.read(
            configuration.datasets,
            Self.trainingKind,
            configuration,
            reader,
            folder,
            seed: hyperparameters.seed
        )
        var measured = try Self.read(
            configuration.validationDatasets,
            "validation",
            configuration,
            reader,
            folder,
            seed: hyperparameters.seed
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
        _ kind: String,
        _ configuration: TrainConfiguration,
        _ reader: DatasetReader,
        _ folder: String,
        seed: Int
    ) throws -> (units: any TrainingUnits, hash: String, notes: [String]) {
        var parts: [any TrainingUnits] = []
        var (hash, notes) = ("", [String]())
        for (number, name) in names.enumerated() {
            let (files, samples) = try configuration.source(name)
            var found: [any TrainingUnits] = []
            for (part, file) in files.enumerated() {
                try check(configuration.stage, file)
                // What is drawn from is read as a whole.
                let left = configuration.maximumExamples.map {
                    $0 - JoinedUnits(parts: found).count
                }
                if samples == nil, let left, left <= 0 { break }
                do {
                    let one = try reader.read(
                        file,
                        maximum: samples == nil ? left : nil,
                        into: "\(folder)/\(kind)-\(number)-\(part)"
                    )
                    found.append(one.units)
                    hash += one.hash
                    notes += one.notes.map { "\(name): \($0)" }
                } catch let error as TrainingFileError {
                    throw TrainConfigurationError("dataset", "\(file.path): \(error)")
                }
            }
            let all = JoinedUnits(parts: found)
            let count = min(samples ?? all.count, configuration.maximumExamples ?? .max)
            parts.append(
                samples == nil
                    ? all
                    : ChosenUnits(all: all, indices: drawn(count, of: all.count, seed, number))
            )
        }
        let all = JoinedUnits(parts: parts)
        guard kind == trainingKind,
            let mixed = configuration.mix.indices(parts.map(\.count), seed: seed)
        else { return (all, hash, notes) }
        return (ChosenUnits(all: all, indices: mixed), hash, notes)
    }

    private static let trainingKind = "training"

    /// So many of a data set: a part of a permutation, and beyond it any again.
    private static func drawn(_ count: Int, of all: Int, _ seed: Int, _ number: Int) -> [UInt32] {
        let random = CounterRandom(seed: seed, .sampling, number)
        var drawn = Array(random.order(all).prefix(count))
        for place in drawn.count..<max(count, drawn.count) {
            drawn.append(UInt32(random.index(all + place, below: all)))
        }
        return drawn
    }

    /// What a file holds says which stages it is for.
    private static func check(
        _ stage: TrainConfiguration.Stage,
        _ file: TrainingFileLocation
    ) throws {
        // What cannot be read at all is told of when the file is read as a whole.
        guard let first = try? TrainingFileReader(file).next() else { return }
        let (fitting, held): ([TrainConfiguration.Stage], String) =
            switch first.content {
            case .text: ([.pt], "plain texts")
            case .chat, .completion: ([.sft], "questions and answers")
            case .preference: ([.dpo, .rm], "pairs of a better and a worse answer")
            case .feedback: ([.kto, .sft], "answers that are marked good or bad")
            case .prompt:
                throw TrainConfigurationError(
                    "dataset",
                    "\(file.path) holds prompts without answers, for reinforcement: a server's jobs "
                        + "learn from them (docs/FINE_TUNING.md)."
                )
            }
        guard !fitting.contains(stage) else { return }
        throw TrainConfigurationError(
            "stage",
            "'stage' is '\(stage.rawValue)', but \(file.path) holds \(held): write 'stage: "
                + "\(fitting[0].rawValue)', or choose another 'dataset'."
        )
    }
}

extension TrainConfiguration {
    /// The files of the validation data, for `do_predict`.
    public func validationFiles() throws(TrainConfigurationError) -> [TrainingFileLocation] {
        var files: [TrainingFileLocation] = []
        for name in validationDatasets { files += try source(name).files }
        return files
    }

    /// The files of a data set, and how many examples to draw: what `dataset_info.json` says of the
    /// name, else a file as it is named, or one in the dataset folder.
    func source(
        _ name: String
    ) throws(TrainConfigurationError) -> (files: [TrainingFileLocation], samples: Int?) {
        let entry = try DatasetEntry(name, in: datasetFolder)
        let candidates = [name, "\(datasetFolder)/\(name)"]
        let paths =
            entry?.files
            ?? Array(candidates.filter(FileManager.default.isReadableFile).prefix(1))
        guard !paths.isEmpty else {
            throw TrainConfigurationError(
                "dataset",
                "There is no dataset '\(name)': no such file, and no such entry in "
                    + "\(datasetFolder)/dataset_info.json."
            )
        }
        let files = paths.map { path in
            var file = TrainingFileLocation(path: path, name: path)
            file.mapping = entry?.mapping
            file.defaultSystem = defaultSystem
            return file
        }
        return (files, entry?.samples)
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
                model: baseModel,
                options: options,
                now: TemplateClock(seconds: 0, offset: 0)
            ),
            vocabulary: model.architecture.vocabularySize
        )
    }
}
