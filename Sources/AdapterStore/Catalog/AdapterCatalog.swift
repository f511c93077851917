import GRDB
import Synchronization
public import Storage

/// Names, generations and aliases of a data directory: durable, and in memory for look-ups.
///
/// Every change is planned against the state in memory, committed, and only then applied to it,
/// all inside the database's one writer; so readers never see what a crash could take back, and
/// two writers never plan on the same state.
public final class AdapterCatalog: Sendable {
    private let database: FacetDatabase
    private let state: Mutex<CatalogState>

    /// Reads the catalog of a data directory; its adapters' files are not touched.
    public init(database: FacetDatabase) throws(AdapterStoreError) {
        self.database = database
        do {
            self.state = Mutex(try database.pool.read { try CatalogState(reading: $0) })
        } catch {
            throw .storage(operation: "read the adapter catalog", reason: "\(error)")
        }
    }

    /// What is known now.
    var snapshot: CatalogState { state.withLock { $0 } }

    /// Looks something up without copying the state.
    func read<Result, Failure: Error>(
        _ body: (borrowing CatalogState) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        try state.withLock { (state) throws(Failure) -> sending Result in try body(state) }
    }

    /// Plans and makes a change; returns what was changed once it is durable.
    func change(
        _ operation: String,
        _ plan: @escaping @Sendable (CatalogState) throws(AdapterStoreError) -> [CatalogChange]
    ) async throws(AdapterStoreError) -> [CatalogChange] {
        do {
            return try await database.pool.writeWithoutTransaction { db in
                let changes = try plan(self.snapshot)
                if changes.isEmpty { return changes }
                try db.inTransaction {
                    for change in changes { try change.write(to: db) }
                    return .commit
                }
                self.state.withLock { state in
                    for change in changes { state.apply(change) }
                }
                return changes
            }
        } catch let error as AdapterStoreError {
            throw error
        } catch is CancellationError {
            throw .cancelled
        } catch {
            throw .storage(operation: operation, reason: "\(error)")
        }
    }
}
