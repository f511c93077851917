public import InferenceRuntime
public import Storage

/// Where a job stands; the words of OpenAI's API.
public enum FineTuningStatus: String, Sendable, Hashable, Codable, CaseIterable {
    /// Its files are being read.
    case validatingFiles = "validating_files"
    /// It waits for its turn.
    case queued
    /// It trains.
    case running
    /// Its owner has stopped it for now.
    case paused
    /// Its model is there.
    case succeeded
    /// It ended with an error.
    case failed
    /// Its owner has ended it.
    case cancelled

    /// Whether the job can still change.
    public var isLive: Bool {
        switch self {
        case .validatingFiles, .queued, .running, .paused: true
        case .succeeded, .failed, .cancelled: false
        }
    }
}

/// A fine-tuning job: what was asked for, and what has become of it.
///
/// Both APIs show the same job: `ftjob-X` today, `ft-X` in the legacy paths.
public struct FineTuningJob: Sendable, Hashable {
    /// What both ids end in: 24 letters and digits.
    public let key: String
    /// Whose job it is.
    public let tenant: TenantID
    /// When it was made, in Unix seconds.
    public let created: Int
    /// What the client asked for.
    public let request: FineTuningRequest
    /// Where it stands.
    public var status: FineTuningStatus
    /// The last change, in Unix seconds.
    public var updated: Int
    /// When it ended, in Unix seconds.
    public var finished: Int?
    /// Every choice resolved, once the training file has been read.
    public var hyperparameters: Hyperparameters?
    /// The name its model has, or will have.
    public var fineTunedModel: String
    /// Tokens with loss over all epochs, once known.
    public var trainedTokens: Int?
    /// The ids of result files.
    public var resultFiles: [String]
    /// Why it failed.
    public var error: FineTuningError?
    /// Optimizer steps of the whole run, once known.
    public var totalSteps: Int?
    /// When it will be done, as far as the pace so far tells, in Unix seconds.
    public var estimatedFinish: Int?
    /// Starts of its work since the last step it had not done before, or since it last left off in
    /// good order; more than one says that processes die of it.
    var unfinishedStarts = 0
    /// The server that works on it, or did last.
    public var worker: String?
    /// How often its work has been started.
    var attempt = 0

    /// The id in `/v1/fine_tuning/jobs`.
    public var id: String { Self.prefix + key }
    /// The id in the legacy paths.
    public var legacyID: String { Self.legacyPrefix + key }

    static let prefix = "ftjob-"
    static let legacyPrefix = "ft-"

    /// The key in an id of either API; `nil` for other text.
    public static func key(of id: String) -> String? {
        for prefix in [prefix, legacyPrefix] where id.utf8.starts(with: prefix.utf8) {
            return String(decoding: id.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
        }
        return nil
    }
}

/// What a client asks for when it makes a job, checked as far as the request alone tells.
public struct FineTuningRequest: Sendable, Hashable {
    /// The base's id.
    public var base: String
    /// The adapter to start from, as `name@generation`; `nil` starts afresh.
    public var parent: String?
    /// The training file's id.
    public var trainingFile: String
    /// The validation file's id.
    public var validationFile: String?
    /// The method and its hyperparameters as sent.
    public var hyperparameters: HyperparameterRequest
    /// A word in the model's name, chosen by the client.
    public var suffix: String?
    /// The seed of the run.
    public var seed: Int
    /// The client's own notes.
    public var metadata: [MetadataEntry]
    /// Whether it came over the legacy paths.
    public var isLegacy: Bool
    /// Bytes the client may store: files and checkpoints; `nil` where there is no limit.
    public var storageLimit: Int?
    /// Of reinforcement: the grader as it was sent.
    public var grader: JSONValue?
    /// Where the run is shown beside its events.
    public var integrations: [WandbIntegration] = []

    /// A request to fine-tune.
    public init(
        base: String,
        parent: String? = nil,
        trainingFile: String,
        validationFile: String? = nil,
        hyperparameters: HyperparameterRequest = HyperparameterRequest(),
        suffix: String? = nil,
        seed: Int,
        metadata: [MetadataEntry] = [],
        isLegacy: Bool = false,
        storageLimit: Int? = nil
    ) {
        self.base = base
        self.parent = parent
        self.trainingFile = trainingFile
        self.validationFile = validationFile
        self.hyperparameters = hyperparameters
        self.suffix = suffix
        self.seed = seed
        self.metadata = metadata
        self.isLegacy = isLegacy
        self.storageLimit = storageLimit
    }

    /// How the model learns.
    public var method: TrainingMethod { hyperparameters.method }

    /// One of the client's notes; their order is kept.
    public struct MetadataEntry: Sendable, Hashable, Codable {
        /// The note's name.
        public var key: String
        /// The note.
        public var value: String

        /// A note.
        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }
}
