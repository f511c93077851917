import GRDB

extension DatabaseSession {
    /// Removes what a table keeps too long, and of one tenant's rows the oldest where they are too many or too large.
    ///
    /// - Parameters:
    ///   - table: Has the columns `number`, `tenant`, `created` and `bytes`.
    ///   - oldest: Unix seconds; rows of every tenant that were made then or before go.
    ///   - count: The most rows of the tenant.
    ///   - bytes: The most bytes of its rows together.
    public func prune(
        _ table: String,
        of tenant: TenantID,
        madeBy oldest: Int,
        keeping count: Int,
        bytes: Int
    ) throws {
        try execute(sql: "DELETE FROM \(table) WHERE created <= ?", arguments: [oldest])
        try execute(
            sql: """
                DELETE FROM \(table) WHERE number IN (
                    SELECT number FROM (
                        SELECT number, row_number() OVER newest AS place,
                            sum(bytes) OVER newest AS total
                        FROM \(table) WHERE tenant = ?
                        WINDOW newest AS (ORDER BY number DESC)
                    ) AS ranked WHERE place > ? OR total > ?
                )
                """,
            arguments: [tenant, count, bytes]
        )
    }
}
