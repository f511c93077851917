public import InferenceRuntime

/// A configuration file that cannot be honoured.
public struct TrainConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The key that is to blame, where it is one.
    public let key: String?
    /// What is wrong and what to do.
    public let description: String

    init(_ key: String?, _ description: String) {
        self.key = key
        self.description = description
    }
}

/// One fine-tuning run as a LLaMA-Factory file describes it.
///
/// A key that is silent means what it means to LLaMA-Factory. Keys that would change the result and
/// that facet cannot honour are refused by name with the reason; those that only tune
/// LLaMA-Factory's own machinery are listed in `notes`.
public struct TrainConfiguration: Sendable, Hashable {
    /// What the model learns from.
    public enum Stage: String, Sendable, Hashable {
        /// Instructions and answers.
        case sft
        /// Plain text.
        case pt
        /// Pairs of a better and a worse answer.
        case dpo
        /// Answers that are good or bad.
        case kto
        /// To score answers, from pairs of a better and a worse one.
        case rm

        /// How a run of the stage learns.
        var method: TrainingMethod {
            switch self {
            case .sft, .pt: .supervised
            case .dpo: .dpo
            case .kto: .kto
            case .rm: .reward
            }
        }
    }

    /// A sentence about a key of the file.
    public struct Note: Sendable, Hashable, CustomStringConvertible {
        /// The key.
        public let key: String
        /// The sentence.
        public let description: String

        /// A sentence about a key.
        public init(_ key: String, _ description: String) {
            self.key = key
            self.description = description
        }
    }

    /// The base: a folder, a name in the model cache, a hub id.
    public var model: String
    /// The adapter folder to start from.
    public var adapter: String?
    /// The adapter folder whose answers are the reference; `nil` for the base.
    public var referenceAdapter: String?
    /// What the model learns from.
    public var stage: Stage
    /// The training files, or names in `dataset_info.json` of `datasetFolder`.
    public var datasets: [String]
    /// Where `dataset_info.json` and relative files lie.
    public var datasetFolder: String
    /// The validation files.
    public var validationDatasets: [String]
    /// A share below 1, or a number of examples, set aside for validation.
    public var validationSize: Double
    /// How several data sets are put together.
    public var mix: DatasetMix
    /// The system prompt of conversations that have none.
    public var defaultSystem: String?
    /// The longest answer to the prompts of the validation files once the run is over; `nil` asks
    /// for none.
    public var predictedTokens: Int?
    /// At most so many examples of each data set.
    public var maximumExamples: Int?
    /// Where the adapter and the logs go.
    public var outputFolder: String
    /// Start over where the folder holds an earlier run.
    public var overwrites: Bool
    /// LLaMA-Factory's name of a prompt format, for a checkpoint without a chat template.
    public var template: String?
    /// The hyperparameters.
    public var hyperparameters: HyperparameterRequest
    /// Where the run's numbers are shown while it goes on.
    public var trackers: [TrackerKind]
    /// What trackers call the run; `nil`: as its output folder.
    public var runName: String?
    /// Keys that have no effect here.
    public var notes: [Note]
}

extension TrainConfiguration {
    /// Reads the mapping of a configuration file.
    public init(_ object: JSONObject) throws(TrainConfigurationError) {
        var fields = try TrainConfigurationFields(object)
        try fields.refuseWhatDiffers()
        let stage = try fields.word("stage", Stage.init) ?? .sft
        let hyperparameters = try fields.hyperparameters(stage)
        self.init(
            model: try fields.required("model_name_or_path"),
            adapter: try fields.adapter(),
            referenceAdapter: try fields.referenceAdapter(stage),
            stage: stage,
            datasets: try fields.list("dataset"),
            datasetFolder: try fields.string("dataset_dir") ?? "data",
            validationDatasets: try fields.list("eval_dataset"),
            validationSize: try fields.number("val_size", atLeast: 0) ?? 0,
            mix: try fields.mix(),
            defaultSystem: try fields.string("default_system"),
            predictedTokens: try fields.predictedTokens(),
            maximumExamples: try fields.integer("max_samples", atLeast: 1),
            outputFolder: try fields.required("output_dir"),
            overwrites: try fields.startsOver(),
            template: try fields.string("template"),
            hyperparameters: hyperparameters,
            trackers: try fields.trackers(),
            runName: try fields.runName(),
            notes: fields.notes
        )
        guard !datasets.isEmpty else {
            throw TrainConfigurationError(
                "dataset",
                "'dataset' is missing: a file, or a name in dataset_info.json."
            )
        }
        guard validationDatasets.isEmpty || validationSize == 0 else {
            throw TrainConfigurationError(
                "val_size",
                "'val_size' and 'eval_dataset' exclude each other: leave one out."
            )
        }
    }
}
