import Foundation
import GRDB
import InferenceRuntime
import Storage

/// A row of `job`.
struct FineTuningRow: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "job"

    /// The order in which jobs were made; given by the database.
    let number: Int?
    let key: String
    let tenant: TenantID
    let status: FineTuningStatus
    let created: Int
    let updated: Int
    let finished: Int?
    let request: JSONDocument
    let hyperparameters: JSONDocument?
    let model: String
    let trainedTokens: Int?
    let resultFiles: JSONDocument
    let error: FineTuningError?
    let totalSteps: Int?
    let estimatedFinish: Int?
    let unfinishedStarts: Int
    let worker: String?
    let attempt: Int

    init(_ job: FineTuningJob, number: Int? = nil) {
        self.number = number
        key = job.key
        tenant = job.tenant
        status = job.status
        created = job.created
        updated = job.updated
        finished = job.finished
        request = JSONDocument(.object(job.request.json))
        hyperparameters = job.hyperparameters.map { JSONDocument(.object($0.json)) }
        model = job.fineTunedModel
        trainedTokens = job.trainedTokens
        resultFiles = JSONDocument(.array(job.resultFiles.map(JSONValue.string)))
        error = job.error
        totalSteps = job.totalSteps
        estimatedFinish = job.estimatedFinish
        unfinishedStarts = job.unfinishedStarts
        worker = job.worker
        attempt = job.attempt
    }

    /// - Throws: `HyperparameterError` where the stored request cannot be read.
    var job: FineTuningJob {
        get throws {
            let request = try FineTuningRequest(stored: request.value)
            return FineTuningJob(
                key: key,
                tenant: tenant,
                created: created,
                request: request,
                status: status,
                updated: updated,
                finished: finished,
                hyperparameters: hyperparameters.map {
                    Hyperparameters(stored: $0.value.object ?? [:], of: request.method)
                },
                fineTunedModel: model,
                trainedTokens: trainedTokens,
                resultFiles: resultFiles.value.array?.compactMap(\.string) ?? [],
                error: error,
                totalSteps: totalSteps,
                estimatedFinish: estimatedFinish,
                unfinishedStarts: unfinishedStarts,
                worker: worker,
                attempt: attempt
            )
        }
    }

    static func fetch(_ key: String, _ db: DatabaseSession) throws -> FineTuningRow? {
        try db.fetchOne(filter(Column("key") == key))
    }

    /// Jobs made before the one of that number, newest first.
    static func page(
        tenant: TenantID?,
        before number: Int,
        limit: Int,
        _ db: DatabaseSession
    ) throws -> [FineTuningRow] {
        var rows = filter(Column("number") < number)
        if let tenant { rows = rows.filter(Column("tenant") == tenant) }
        return try db.fetchAll(rows.order(Column("number").desc).limit(limit))
    }

    static func live(_ db: DatabaseSession) throws -> [FineTuningJob] {
        let statuses = FineTuningStatus.allCases.filter(\.isLive).map(\.rawValue)
        let rows = filter(statuses.contains(Column("status"))).order(Column("number"))
        return try db.fetchAll(rows).map { try $0.job }
    }
}
