import GRDB
import InferenceRuntime
import Storage

/// Many requests in one file, answered when nobody waits: a row of `batch`.
struct RequestBatch: Sendable, Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "batch"

    /// Where a batch is on its way, in OpenAI's words.
    enum Status: String, Sendable, Codable, CaseIterable, DatabaseValueConvertible {
        case validating, failed, finalizing, completed, expired, cancelling, cancelled
        case inProgress = "in_progress"

        /// Whether there is something left to do.
        var isLive: Bool {
            switch self {
            case .validating, .inProgress, .finalizing, .cancelling: true
            case .failed, .completed, .expired, .cancelled: false
            }
        }
    }

    /// The order in which batches came; given by the database.
    let number: Int?
    /// Begins with `batch_`.
    let id: String
    let tenant: TenantID
    /// Whether its requests are an administrator's, who may use everybody's adapters.
    let isAdministrator: Bool
    /// The path that answers its lines.
    let endpoint: String
    let inputFile: String
    let metadata: JSONDocument
    /// Seconds after which its results go; `nil`: they stay.
    let resultLifetime: Int?
    /// Unix seconds, as all that follow.
    let created: Int
    /// Lines that have not been begun by then are not answered.
    let expires: Int
    private(set) var status = Status.validating
    private(set) var started: Int?
    private(set) var finalizing: Int?
    private(set) var cancelling: Int?
    private(set) var ended: Int?
    private(set) var total = 0
    /// Lines answered with status 200, and with another.
    private(set) var completed = 0
    private(set) var failed = 0
    /// What is wrong with the file.
    private(set) var errors: JSONDocument?
    private(set) var outputFile: String?
    private(set) var errorFile: String?
    private(set) var usage = BatchUsage()

    /// Seconds that a batch has.
    static let window = 86_400

    init(_ request: CreateBatchRequest, for caller: Caller, now: Int) {
        number = nil
        id = RandomID.make(prefix: "batch_")
        tenant = caller.tenant
        isAdministrator = caller.isAdministrator
        endpoint = request.endpoint
        inputFile = request.inputFile
        metadata = JSONDocument(request.metadata)
        resultLifetime = request.resultLifetime
        created = now
        expires = now + Self.window
    }

    /// Who asks for its lines.
    var caller: Caller {
        Caller(
            tenant: tenant,
            rights: isAdministrator ? Set(KeyRight.allCases) : [.infer],
            keyID: nil,
            storedBytes: nil,
            admission: nil,
            isBackground: true
        )
    }

    /// The id of a file of its results; the same however often they are written.
    func fileID(isError: Bool) -> String {
        StoredFile.idPrefix + id.dropFirst("batch_".count) + (isError ? "err" : "out")
    }
}

/// What a batch's answers cost, in tokens.
struct BatchUsage: Sendable, Hashable, Codable {
    var inputTokens = 0
    var cachedTokens = 0
    var outputTokens = 0
    var reasoningTokens = 0

    init() {}

    /// Reads `usage` of an answer, in the words of chat or of Responses.
    init(_ usage: JSONValue?) {
        func number(_ names: String...) -> Int { names.compactMap { usage?[$0]?.int }.first ?? 0 }
        func detail(_ name: String, _ names: String...) -> Int {
            names.compactMap { usage?[$0]?[name]?.int }.first ?? 0
        }
        inputTokens = number("prompt_tokens", "input_tokens")
        outputTokens = number("completion_tokens", "output_tokens")
        cachedTokens = detail("cached_tokens", "prompt_tokens_details", "input_tokens_details")
        reasoningTokens = detail(
            "reasoning_tokens",
            "completion_tokens_details",
            "output_tokens_details"
        )
    }

    static func += (left: inout BatchUsage, right: BatchUsage) {
        left.inputTokens += right.inputTokens
        left.cachedTokens += right.cachedTokens
        left.outputTokens += right.outputTokens
        left.reasoningTokens += right.reasoningTokens
    }

    var json: JSONValue {
        [
            "input_tokens": JSONValue(inputTokens),
            "input_tokens_details": ["cached_tokens": JSONValue(cachedTokens)],
            "output_tokens": JSONValue(outputTokens),
            "output_tokens_details": ["reasoning_tokens": JSONValue(reasoningTokens)],
            "total_tokens": JSONValue(inputTokens + outputTokens),
        ]
    }
}

extension RequestBatch {
    /// Its file has been read: so many lines are to be answered.
    mutating func begin(total: Int, now: Int) {
        self.total = total
        started = now
        status = .inProgress
    }

    /// Its file cannot be answered.
    mutating func fail(_ errors: [BatchError], now: Int) {
        let list: JSONValue = ["object": "list", "data": .array(errors.map(\.json))]
        self.errors = JSONDocument(list)
        status = .failed
        ended = now
    }

    /// Nothing new is to be begun.
    mutating func cancel(now: Int) {
        status = .cancelling
        cancelling = now
    }

    /// A line has been answered.
    mutating func count(_ result: BatchResult) {
        if result.isError { failed += 1 } else { completed += 1 }
        usage += result.usage
    }

    /// Its results are about to be written.
    mutating func finalize(now: Int) {
        guard status == .inProgress else { return }
        status = .finalizing
        finalizing = now
    }

    /// Its results are files.
    mutating func end(output: String?, error: String?, now: Int) {
        outputFile = output
        errorFile = error
        let isComplete = completed + failed >= total
        status = status == .cancelling ? .cancelled : isComplete ? .completed : .expired
        ended = now
    }

    /// The object of the API.
    var json: JSONValue {
        var object: JSONObject = [
            "id": .string(id), "object": "batch", "endpoint": .string(endpoint),
            "input_file_id": .string(inputFile), "completion_window": "24h",
            "status": .string(status.rawValue), "created_at": JSONValue(created),
            "expires_at": JSONValue(expires),
        ]
        object["errors"] = errors?.value
        object["output_file_id"] = outputFile.map(JSONValue.string)
        object["error_file_id"] = errorFile.map(JSONValue.string)
        for (key, time) in [
            ("in_progress_at", started), ("finalizing_at", finalizing),
            ("cancelling_at", cancelling), (status.rawValue + "_at", status.isLive ? nil : ended),
        ] {
            if let time { object[key] = JSONValue(time) }
        }
        object["request_counts"] = [
            "total": JSONValue(total), "completed": JSONValue(completed),
            "failed": JSONValue(failed),
        ]
        if usage != BatchUsage() { object["usage"] = usage.json }
        object["metadata"] = metadata.value
        return .object(object)
    }
}
