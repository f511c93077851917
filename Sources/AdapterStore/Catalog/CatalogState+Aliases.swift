import Storage

/// Aliases: splits between generations, and the way back.
extension CatalogState {
    /// Points an alias at generations of the adapter `target`.
    ///
    /// - Parameter weights: By generation; empty: always the target's current generation.
    func aliasing(
        _ alias: String,
        to target: String,
        weights: [AdapterAliasWeight],
        for caller: AdapterCaller,
        now: Int
    ) throws(AdapterStoreError) -> [CatalogChange] {
        guard let targetKey = find(target, for: caller), adapters[targetKey] != nil else {
            throw .unknownAdapter(name: target)
        }
        guard caller.mayChange(targetKey.owner) else { throw .notPermitted(name: target) }
        let key = CatalogKey(owner: targetKey.owner, name: alias)
        guard adapters[key] == nil else { throw .nameTaken(name: alias) }
        let shared = CatalogKey(owner: .shared, name: alias)
        guard key == shared || !isTaken(shared) else { throw .nameTaken(name: alias) }
        let old = aliases[key]
        let version = CatalogAlias.Version(
            number: (old?.current.number ?? 0) + 1,
            target: target,
            weights: try checked(weights, of: targetKey, alias: alias)
        )
        let earlier = (old.map { $0.earlier + [$0.current] } ?? [])
            .suffix(CatalogAlias.maximumVersions)
        return [
            .putAlias(
                CatalogAlias(
                    key: key,
                    created: old?.created ?? now,
                    current: version,
                    earlier: Array(earlier)
                )
            )
        ]
    }

    /// Makes an alias mean what it meant before its last change.
    func rollingBack(
        _ alias: String,
        for caller: AdapterCaller
    ) throws(AdapterStoreError) -> [CatalogChange] {
        guard let key = find(alias, for: caller), var entry = aliases[key] else {
            throw .unknownAdapter(name: alias)
        }
        guard caller.mayChange(key.owner) else { throw .notPermitted(name: alias) }
        while let previous = entry.earlier.popLast() {
            guard isWhole(previous, owner: key.owner) else { continue }
            entry.current = previous
            return [.putAlias(entry)]
        }
        throw .nothingToRollBack(alias: alias)
    }

    /// Whether all a version names is still there; generations it alone named may have expired.
    private func isWhole(_ version: CatalogAlias.Version, owner: TenantID) -> Bool {
        let rows = adapters[CatalogKey(owner: owner, name: version.target)] ?? []
        return !rows.isEmpty
            && version.weights.allSatisfy { weight in
                rows.contains { $0.hash == weight.generation }
            }
    }

    /// Weights with full hashes, in the order of the hashes, so that a split never depends on the
    /// order they were written in.
    private func checked(
        _ weights: [AdapterAliasWeight],
        of target: CatalogKey,
        alias: String
    ) throws(AdapterStoreError) -> [AdapterAliasWeight] {
        var full: [AdapterAliasWeight] = []
        for weight in weights where weight.share != 0 {
            guard weight.share.isFinite, weight.share > 0, weight.share <= 1e12 else {
                throw .invalidWeights(
                    alias: alias,
                    reason: "the share of \(weight.generation) is not a positive number"
                )
            }
            let hash = try pinned(target, generation: weight.generation).hash
            guard !full.contains(where: { $0.generation == hash }) else {
                throw .invalidWeights(alias: alias, reason: "\(hash) is named twice")
            }
            full.append(AdapterAliasWeight(generation: hash, share: weight.share))
        }
        guard weights.isEmpty || !full.isEmpty else {
            throw .invalidWeights(alias: alias, reason: "all shares are 0")
        }
        return full.sorted { $0.generation < $1.generation }
    }
}
