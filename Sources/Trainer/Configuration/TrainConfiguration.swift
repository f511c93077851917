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
/// Keys that would change the result and that facet does not have are refused by name; those that
/// only tune LLaMA-Factory's own machinery are accepted and listed in `notes`.
public struct TrainConfiguration: Sendable, Hashable {
    /// What the model learns from.
    public enum Stage: String, Sendable, Hashable {
        /// Instructions and answers.
        case sft
        /// Plain text.
        case pt
    }

    /// The base: a folder, a name in the model cache, a hub id.
    public var model: String
    /// The adapter folder to start from.
    public var adapter: String?
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
    /// At most so many examples of each file.
    public var maximumExamples: Int?
    /// Where the adapter and the logs go.
    public var outputFolder: String
    /// Start over where the folder holds an earlier run.
    public var overwrites: Bool
    /// The hyperparameters.
    public var hyperparameters: HyperparameterRequest
    /// Sentences about keys that have no effect here.
    public var notes: [String]
}

extension TrainConfiguration {
    /// Reads the mapping of a configuration file.
    public init(_ object: JSONObject) throws(TrainConfigurationError) {
        let fields = try TrainConfigurationFields(object)
        try fields.refuseWhatDiffers()
        self.init(
            model: try fields.required("model_name_or_path"),
            adapter: try fields.string("adapter_name_or_path"),
            stage: try fields.word("stage", Stage.init) ?? .sft,
            datasets: try fields.list("dataset"),
            datasetFolder: try fields.string("dataset_dir") ?? "data",
            validationDatasets: try fields.list("eval_dataset"),
            validationSize: try fields.number("val_size", atLeast: 0) ?? 0,
            maximumExamples: try fields.integer("max_samples", atLeast: 1),
            outputFolder: try fields.required("output_dir"),
            overwrites: try fields.bool("overwrite_output_dir") ?? false,
            hyperparameters: try fields.hyperparameters(),
            notes: fields.notes
        )
        guard !datasets.isEmpty else {
            throw TrainConfigurationError(
                "dataset",
                "'dataset' is missing: a file, or a name in dataset_info.json."
            )
        }
    }
}
