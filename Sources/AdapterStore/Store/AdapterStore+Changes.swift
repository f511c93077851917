import InferenceRuntime
public import Storage

extension AdapterStore {
    /// Takes a name away at once; its files go when the last lease ends.
    ///
    /// An adapter takes its aliases with it, a fine-tuned model its checkpoints. Durable when this
    /// returns.
    ///
    /// - Parameter fence: Runs in the same transaction; what it throws removes nothing.
    public func remove(
        _ name: String,
        for caller: AdapterCaller,
        fence: (@Sendable (DatabaseSession) throws -> Void)? = nil
    ) async throws(AdapterStoreError) {
        let changes = try await catalog.change("remove the adapter", fence: fence) {
            state throws(AdapterStoreError) in
            try state.removing(name, for: caller)
        }
        await dropContents(of: changes)
    }

    /// Points an alias at an adapter, or splits it between generations of it.
    ///
    /// - Parameters:
    ///   - alias: A name no adapter has; an alias is changed.
    ///   - target: The adapter.
    ///   - weights: By generation; empty: always the adapter's current generation.
    @discardableResult
    public func setAlias(
        _ alias: String,
        to target: String,
        weights: [AdapterAliasWeight],
        for caller: AdapterCaller
    ) async throws(AdapterStoreError) -> AdapterAlias {
        try AdapterName.check(alias, base: configuration.base?.name ?? "")
        let now = configuration.now()
        let changes = try await catalog.change("set the alias") { state throws(AdapterStoreError) in
            try state.aliasing(alias, to: target, weights: weights, for: caller, now: now)
        }
        return try Self.alias(in: changes, named: alias)
    }

    /// Makes an alias mean what it meant before its last change.
    @discardableResult
    public func rollBackAlias(
        _ alias: String,
        for caller: AdapterCaller
    ) async throws(AdapterStoreError) -> AdapterAlias {
        let changes = try await catalog.change("roll back the alias") {
            state throws(AdapterStoreError) in
            try state.rollingBack(alias, for: caller)
        }
        return try Self.alias(in: changes, named: alias)
    }

    /// Takes over what other servers have changed in a shared database.
    public func refresh() async throws {
        let gone = try await catalog.refresh()
        for hash in gone { cache.forget(hash) }
        if !gone.isEmpty { await threads.run { self.files.collect(gone) } }
    }

    /// What the revisions of a shared database call the adapters.
    public static var area: String { AdapterCatalog.area }

    /// Removes generations whose grace has passed and that nothing holds; call it now and then.
    public func collectGarbage() async throws(AdapterStoreError) {
        let limit = configuration.now() - configuration.graceSeconds
        let files = files
        let isDue = catalog.read { state in
            !state.expiring(retiredBefore: limit, leased: { _ in false }).isEmpty
        }
        guard isDue else { return }
        let changes = try await catalog.change("collect old generations") { state in
            state.expiring(retiredBefore: limit) { files.holdCount(of: $0) > 0 }
        }
        await dropContents(of: changes)
    }

    private func dropContents(of changes: [CatalogChange]) async {
        let hashes = changes.compactMap { change -> String? in
            guard case .delete(_, let hash) = change else { return nil }
            return hash
        }
        let gone = catalog.read { state in hashes.filter { state.references[$0] == nil } }
        for hash in gone { cache.forget(hash) }
        await threads.run { self.files.collect(gone) }
    }

    private static func alias(
        in changes: [CatalogChange],
        named name: String
    ) throws(AdapterStoreError) -> AdapterAlias {
        guard case .putAlias(let alias)? = changes.first else {
            throw .unknownAdapter(name: name)
        }
        return alias.status
    }
}
