import Storage
import Foundation
import GRDB
import InferenceRuntime

/// A job as a row of the database.
struct FineTuningRow {
    let arguments: StatementArguments

    init(_ job: FineTuningJob) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        arguments = [
            "key": job.key,
            "tenant": job.tenant.name,
            "status": job.status.rawValue,
            "created": job.created,
            "updated": job.updated,
            "finished": job.finished,
            "request": JSONValue.object(job.request.json).serialized,
            "hyperparameters": job.hyperparameters.map { JSONValue.object($0.json).serialized },
            "model": job.fineTunedModel,
            "trainedTokens": job.trainedTokens,
            "resultFiles": JSONValue.array(job.resultFiles.map(JSONValue.string)).serialized,
            "error": try job.error.map { String(decoding: try encoder.encode($0), as: UTF8.self) },
            "totalSteps": job.totalSteps,
            "estimatedFinish": job.estimatedFinish,
            "unfinishedStarts": job.unfinishedStarts,
        ]
    }

    func insert(_ db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO job (key, tenant, status, created, updated, finished, request,
                    hyperparameters, model, trainedTokens, resultFiles, error, totalSteps,
                    estimatedFinish, unfinishedStarts)
                VALUES (:key, :tenant, :status, :created, :updated, :finished, :request,
                    :hyperparameters, :model, :trainedTokens, :resultFiles, :error, :totalSteps,
                    :estimatedFinish, :unfinishedStarts)
                """,
            arguments: arguments
        )
    }

    func update(_ db: Database) throws {
        try db.execute(
            sql: """
                UPDATE job SET tenant = :tenant, status = :status, created = :created,
                    updated = :updated, finished = :finished, request = :request,
                    hyperparameters = :hyperparameters, model = :model,
                    trainedTokens = :trainedTokens, resultFiles = :resultFiles, error = :error,
                    totalSteps = :totalSteps,
                    estimatedFinish = :estimatedFinish,
                    unfinishedStarts = :unfinishedStarts
                WHERE key = :key
                """,
            arguments: arguments
        )
    }

    static func job(_ key: String, _ db: Database) throws -> FineTuningJob? {
        try Row.fetchOne(db, sql: "SELECT * FROM job WHERE key = ?", arguments: [key]).map(job)
    }

    static func number(of key: String, _ db: Database) throws -> Int? {
        try Int.fetchOne(db, sql: "SELECT number FROM job WHERE key = ?", arguments: [key])
    }

    /// Jobs made before the one of that number, newest first.
    static func cursor(tenant: TenantID?, before number: Int, _ db: Database) throws -> RowCursor {
        guard let tenant else {
            return try Row.fetchCursor(
                db,
                sql: "SELECT * FROM job WHERE number < ? ORDER BY number DESC",
                arguments: [number]
            )
        }
        return try Row.fetchCursor(
            db,
            sql: "SELECT * FROM job WHERE tenant = ? AND number < ? ORDER BY number DESC",
            arguments: [tenant.name, number]
        )
    }

    static func live(_ db: Database) throws -> [FineTuningJob] {
        let statuses = FineTuningStatus.allCases.filter(\.isLive).map(\.rawValue)
        let marks = statuses.map { _ in "?" }.joined(separator: ", ")
        return try Row.fetchAll(
            db,
            sql: "SELECT * FROM job WHERE status IN (\(marks)) ORDER BY number",
            arguments: StatementArguments(statuses)
        ).map(job)
    }

    static func job(_ row: Row) throws -> FineTuningJob {
        guard let status = FineTuningStatus(rawValue: row["status"]) else {
            throw DatabaseError(message: "unknown job status")
        }
        let error: String? = row["error"]
        let hyperparameters: String? = row["hyperparameters"]
        let files: String = row["resultFiles"]
        return FineTuningJob(
            key: row["key"],
            tenant: TenantID(row["tenant"]),
            created: row["created"],
            request: try FineTuningRequest(
                stored: try JSONValue(parsing: row["request"] as String)
            ),
            status: status,
            updated: row["updated"],
            finished: row["finished"],
            hyperparameters: try hyperparameters.map {
                Hyperparameters(stored: try JSONValue(parsing: $0).object ?? [:])
            },
            fineTunedModel: row["model"],
            trainedTokens: row["trainedTokens"],
            resultFiles: try JSONValue(parsing: files).array?.compactMap(\.string) ?? [],
            error: try error.map {
                try JSONDecoder().decode(FineTuningError.self, from: Data($0.utf8))
            },
            totalSteps: row["totalSteps"],
            estimatedFinish: row["estimatedFinish"],
            unfinishedStarts: row["unfinishedStarts"]
        )
    }
}
