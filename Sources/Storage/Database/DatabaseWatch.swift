public import Logging

/// Looks several times a second for what other servers have changed in a shared database.
///
/// One small question tells the revisions of all areas; who has asked for an area that has changed is
/// called. While the database is away nothing is called, and the first answer afterwards tells all
/// that has changed meanwhile.
public actor DatabaseWatch {
    private let database: FacetDatabase
    private let logger: Logger
    private var handlers: [String: @Sendable () async throws -> Void] = [:]
    private var seen: [String: Int] = [:]
    private var isAway = false
    private static let interval = Duration.milliseconds(300)

    /// A watch on a shared database; it begins with `run`.
    public init(_ database: FacetDatabase, logger: Logger) {
        self.database = database
        self.logger = logger
    }

    /// Calls `handler` whenever an area has changed.
    public func onChange(of area: String, _ handler: @escaping @Sendable () async throws -> Void) {
        handlers[area] = handler
    }

    /// Looks until the task is cancelled.
    public func run() async {
        while !Task.isCancelled {
            do {
                try await look()
                if isAway { logger.info("the database is there again") }
                isAway = false
            } catch {
                if !isAway {
                    logger.error("the database is away", metadata: ["reason": "\(error)"])
                }
                isAway = true
            }
            try? await Task.sleep(for: Self.interval)
        }
    }

    private func look() async throws {
        let revisions = try await database.read { db in try db.revisions() }
        for (area, handler) in handlers where revisions[area] != seen[area] {
            try await handler()
            seen[area] = revisions[area]
        }
    }
}
