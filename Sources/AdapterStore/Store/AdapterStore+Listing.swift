public import Storage

extension AdapterStore {
    /// Every generation the caller may see, by name and then by age.
    public func list(for caller: AdapterCaller) -> [AdapterStatus] {
        let rows = catalog.read { state in
            state.adapters.values.joined().filter { caller.sees($0.key.owner) }
        }
        return rows.map(status).sorted(by: Self.precedes)
    }

    /// The generations of one adapter, the current one first.
    ///
    /// - Parameter name: An adapter's name; aliases have `alias(_:for:)`.
    public func generations(
        of name: String,
        for caller: AdapterCaller
    ) throws(AdapterStoreError) -> [AdapterStatus] {
        let rows = catalog.read { state in
            state.find(name, for: caller).flatMap { state.adapters[$0] } ?? []
        }
        guard !rows.isEmpty else { throw .unknownAdapter(name: name) }
        let all = rows.map(status)
        return all.filter(\.isCurrent) + all.filter { !$0.isCurrent }.sorted(by: Self.precedes)
    }

    /// Whether a generation is in memory, so that a lease of it waits for nothing.
    public func isResident(_ generation: AdapterGeneration) -> Bool {
        cache.status(of: generation.hash).isResident
    }

    /// Every alias the caller may see, by name.
    public func aliases(for caller: AdapterCaller) -> [AdapterAlias] {
        let aliases = catalog.read { state in
            state.aliases.values.filter { caller.sees($0.key.owner) }.map(\.status)
        }
        return aliases.sorted { $0.name < $1.name }
    }

    /// The alias of that name, or `nil`.
    public func alias(_ name: String, for caller: AdapterCaller) -> AdapterAlias? {
        catalog.read { state in
            state.find(name, for: caller).flatMap { state.aliases[$0]?.status }
        }
    }

    /// Bytes of the weights of all generations a tenant owns.
    public func storedBytes(of owner: TenantID) -> Int {
        catalog.read { $0.weightBytes(of: owner) }
    }

    /// Sums for metrics.
    public var statistics: AdapterStoreStatistics {
        let totals = cache.totals
        let counts = catalog.read { state in (state.adapters.count, state.aliases.count) }
        return AdapterStoreStatistics(
            adapters: counts.0,
            aliases: counts.1,
            residentAdapters: totals.resident,
            loadingAdapters: totals.loading,
            residentBytes: totals.usedBytes,
            memoryBudget: totals.budget,
            leases: totals.pins,
            waitingForMemory: totals.waiting
        )
    }

    private func status(_ row: CatalogGeneration) -> AdapterStatus {
        let memory = cache.status(of: row.hash)
        return AdapterStatus(
            generation: row.generation,
            isCurrent: row.retired == nil,
            residency: memory.isResident ? .memory : .disk,
            leases: memory.pins,
            isServable: isServable(row.generation)
        )
    }

    private static func precedes(_ left: AdapterStatus, _ right: AdapterStatus) -> Bool {
        let (l, r) = (left.generation, right.generation)
        return (l.name, l.owner.name, l.created, l.hash) < (r.name, r.owner.name, r.created, r.hash)
    }
}

/// Counts and bytes of a store, all at one moment.
public struct AdapterStoreStatistics: Sendable, Hashable {
    /// Names with a generation.
    public let adapters: Int
    /// Aliases.
    public let aliases: Int
    /// Contents in memory.
    public let residentAdapters: Int
    /// Contents being read.
    public let loadingAdapters: Int
    /// Bytes of weights in memory or reserved for them.
    public let residentBytes: Int
    /// The most there may be.
    public let memoryBudget: Int
    /// Leases and waits for a load.
    public let leases: Int
    /// Requests that wait for room.
    public let waitingForMemory: Int
}
