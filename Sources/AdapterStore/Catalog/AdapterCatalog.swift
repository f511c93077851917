import Synchronization
public import Storage

/// Names, generations and aliases of a database: durable, and in memory for look-ups.
///
/// Every change is planned against the state that the database has, committed, and only then
/// applied to memory; so readers never see what a crash could take back, and two writers never plan
/// on the same state. Where other servers change the database too, each change counts a revision,
/// and `refresh` reads anew what others have made.
public final class AdapterCatalog: Sendable {
    /// A state and how many changes of a shared database it has behind it.
    private struct Known: Sendable {
        var state: CatalogState
        var revision: Int
    }

    private let database: FacetDatabase
    private let known: Mutex<Known>
    /// What the revisions of a shared database call the catalog.
    static let area = "adapters"

    /// Reads the catalog of a database; its adapters' files are not touched.
    public init(database: FacetDatabase) throws(AdapterStoreError) {
        self.database = database
        do {
            known = Mutex(try database.readNow(Self.read))
        } catch {
            throw AdapterStoreError(failed: "read the adapter catalog", error)
        }
    }

    private static func read(_ db: DatabaseSession) throws -> Known {
        Known(state: try CatalogState(reading: db), revision: try db.revision(of: area))
    }

    /// What is known now.
    var snapshot: CatalogState { known.withLock { $0.state } }

    /// Looks something up without copying the state.
    func read<Result, Failure: Error>(
        _ body: (borrowing CatalogState) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        try known.withLock { (known) throws(Failure) -> sending Result in try body(known.state) }
    }

    /// Takes over what other servers have changed.
    /// - Returns: The contents that nothing means any more.
    func refresh() async throws -> [String] {
        let fresh = try await database.read(Self.read)
        return known.withLock { known in
            guard fresh.revision > known.revision else { return [] }
            let gone = known.state.references.keys.filter { fresh.state.references[$0] == nil }
            known = fresh
            return gone
        }
    }

    /// Plans and makes a change; returns what was changed once it is durable.
    ///
    /// - Parameter fence: Runs in the same transaction; what it throws leaves everything as it was.
    func change(
        _ operation: String,
        fence: (@Sendable (DatabaseSession) throws -> Void)? = nil,
        _ plan: @escaping @Sendable (CatalogState) throws(AdapterStoreError) -> [CatalogChange]
    ) async throws(AdapterStoreError) -> [CatalogChange] {
        do {
            let made = try await database.write(committed: adopt) { [self] db in
                try fence?(db)
                let before = try latest(db)
                let changes = try plan(before.state)
                if changes.isEmpty { throw Unchanged() }
                for change in changes { try change.write(to: db) }
                return Change(base: before, changes: changes)
            }
            return made.changes
        } catch is Unchanged {
            return []
        } catch let error as AdapterStoreError {
            throw error
        } catch is CancellationError {
            throw .cancelled
        } catch {
            throw AdapterStoreError(failed: operation, error)
        }
    }

    /// A change and the state that it was planned on, which has the change's own revision already.
    private struct Change: Sendable {
        let base: Known
        let changes: [CatalogChange]
    }

    /// There is nothing to write, and no revision to count.
    private struct Unchanged: Error {}

    /// The state of the database inside a transaction that changes it.
    private func latest(_ db: DatabaseSession) throws -> Known {
        let known = known.withLock { $0 }
        guard let revision = try db.advanceRevision(of: Self.area) else { return known }
        if known.revision == revision - 1 { return Known(state: known.state, revision: revision) }
        return Known(state: try CatalogState(reading: db), revision: revision)
    }

    private func adopt(_ change: Change) {
        known.withLock { known in
            // A refresh may have read the change before it was told here.
            guard change.base.revision > known.revision || !database.isShared else { return }
            known = change.base
            for change in change.changes { known.state.apply(change) }
        }
    }
}

extension AdapterStoreError {
    /// A database that refused, or that is away.
    init(failed operation: String, _ error: any Error) {
        if let outage = error as? DatabaseOutage {
            self = .unavailable(reason: outage.description)
        } else {
            self = .storage(operation: operation, reason: "\(error)")
        }
    }
}
