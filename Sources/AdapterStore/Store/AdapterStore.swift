import InferenceRuntime
public import Storage

/// Names, generations, files and residency of adapters.
///
/// A request goes `resolve` → `lease`: the name becomes one immutable generation, the lease keeps
/// its weights in memory until it is let go, whatever happens to the name meanwhile. A change goes
/// staging → check against the base → place → catalog row, and only then is acknowledged. Nothing
/// here ever falls back to the base.
public final class AdapterStore: Sendable {
    /// How the store was set up.
    public let configuration: AdapterStoreConfiguration
    let catalog: AdapterCatalog
    let files: AdapterFiles
    let threads: WorkerPool
    let cache: AdapterResidencyCache<LoRAAdapter>

    /// Opens the store of a data directory and removes what a crash left half done.
    ///
    /// Nothing but the database and the names of folders is read, however many adapters there are.
    public init(
        database: FacetDatabase,
        configuration: AdapterStoreConfiguration
    ) throws(AdapterStoreError) {
        let catalog = try AdapterCatalog(database: database)
        let threads = WorkerPool(name: "adapters", limit: configuration.loadThreads)
        let files = try AdapterFiles(
            root: database.folder + "/adapters",
            threads: threads,
            logger: configuration.logger,
            objects: configuration.objects,
            cacheBytes: configuration.cacheBytes,
            isReferenced: { hash in catalog.read { $0.references[hash] != nil } }
        )
        try files.sweep()
        self.configuration = configuration
        self.catalog = catalog
        self.files = files
        self.threads = threads
        let base = configuration.base
        self.cache = AdapterResidencyCache(
            budget: configuration.memoryBudget,
            threads: threads
        ) { (generation) throws(AdapterStoreError) in
            try AdapterReader(base: base, files: files).read(generation)
        }
    }

    /// What a name means for this caller, checked to be servable on the base.
    ///
    /// Never waits: names are looked up in memory.
    ///
    /// - Parameters:
    ///   - name: An adapter, an alias, `name@generation` or a fine-tuned model.
    ///   - caller: Decides which names are visible.
    ///   - splitKey: Decides where an alias is split: the request's seed or its id.
    public func resolve(
        _ name: String,
        for caller: AdapterCaller,
        splitKey: String
    ) throws(AdapterStoreError) -> AdapterGeneration {
        let generation = try catalog.read { (state) throws(AdapterStoreError) in
            try state.resolve(name, for: caller, splitKey: splitKey)
        }
        try checkBase(of: generation)
        return generation
    }

    /// Keeps a generation in memory, loading it first if need be.
    ///
    /// Returns at once where it is resident; waits for the disk, or for room, without blocking a
    /// thread. Cancelling the task ends the wait.
    public func lease(
        _ generation: AdapterGeneration
    ) async throws(AdapterStoreError) -> AdapterLease {
        try checkBase(of: generation)
        let hold = files.hold(generation.hash)
        let pin = try await cache.pin([generation])
        return AdapterLease(generation: generation, pin: pin, hold: hold)
    }

    /// Keeps all adapters of a mix in memory; they get room together or wait together.
    ///
    /// - Parameter entries: From `resolveMix`, in the order of the request.
    public func lease(
        mix entries: [AdapterMixEntry]
    ) async throws(AdapterStoreError) -> AdapterMixLease {
        for entry in entries { try checkBase(of: entry.generation) }
        let generations = entries.map(\.generation)
        let holds = generations.map { files.hold($0.hash) }
        let pin = try await cache.pin(generations)
        return AdapterMixLease(entries: entries, pin: pin, holds: holds)
    }

    /// Starts reading a generation that will be leased soon, where there is room for it now.
    public func prefetch(_ generation: AdapterGeneration) {
        guard (try? checkBase(of: generation)) != nil else { return }
        cache.prefetch(generation)
    }

    func isServable(_ generation: AdapterGeneration) -> Bool {
        guard let base = configuration.base else { return false }
        return generation.baseHash == nil || base.hash == nil || generation.baseHash == base.hash
    }

    private func checkBase(of generation: AdapterGeneration) throws(AdapterStoreError) {
        guard let base = configuration.base, !isServable(generation) else { return }
        throw .wrongBase(
            name: generation.name,
            expected: base.name,
            actual: generation.base
        )
    }
}
