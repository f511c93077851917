import Storage

/// From what someone wants to the changes that do it, or the reason why not.
extension CatalogState {
    /// Makes `generation` what its name means.
    func publishing(
        _ generation: AdapterGeneration,
        for caller: AdapterCaller,
        replacing: AdapterReplacement,
        now: Int
    ) throws(AdapterStoreError) -> [CatalogChange] {
        let key = CatalogKey(owner: generation.owner, name: generation.name)
        guard aliases[key] == nil else { throw .nameIsAlias(name: key.name) }
        guard caller.mayChange(key.owner) else { throw .notPermitted(name: key.name) }
        let old = current(key)
        switch replacing {
        case .never:
            if old != nil { throw .nameTaken(name: key.name) }
        case .always: break
        case .expecting(let expected):
            guard let old, old.hash == expected else {
                throw .generationConflict(name: key.name, expected: expected, actual: old?.hash)
            }
        }
        var changes: [CatalogChange] = []
        if var old, old.hash != generation.hash {
            old.retired = now
            changes.append(.put(old))
        }
        if let old, old.hash == generation.hash, old.generation.isSameFacts(as: generation) {
            return []
        }
        changes.append(.put(CatalogGeneration(generation: generation, retired: nil)))
        return changes
    }

    /// The owner a publication of `name` by `caller` would have.
    ///
    /// Replacing what belongs to everybody stays everybody's, if the caller may do that at all.
    func owner(
        ofPublished name: String,
        by caller: AdapterCaller,
        replacing: AdapterReplacement
    ) throws(AdapterStoreError) -> TenantID {
        let own = CatalogKey(owner: caller.tenant, name: name)
        let shared = CatalogKey(owner: .shared, name: name)
        if isTaken(own) || !isTaken(shared) { return caller.tenant }
        if case .never = replacing { throw .nameTaken(name: name) }
        guard caller.isAdministrator else { throw .notPermitted(name: name) }
        return .shared
    }

    /// Takes a name away: an alias alone, or an adapter with its generations, aliases and, for a
    /// fine-tuned model, its checkpoints.
    func removing(
        _ name: String,
        for caller: AdapterCaller
    ) throws(AdapterStoreError) -> [CatalogChange] {
        guard let key = find(name, for: caller) else { throw .unknownAdapter(name: name) }
        guard caller.mayChange(key.owner) else { throw .notPermitted(name: name) }
        if aliases[key] != nil { return [.deleteAlias(key)] }
        let checkpoints = name + AdapterName.checkpointMark
        let keys = adapters.keys.filter {
            $0.owner == key.owner
                && ($0 == key
                    || AdapterName.isFineTuned(name) && $0.name.hasPrefix(checkpoints))
        }
        let rows = keys.flatMap { adapters[$0] ?? [] }
        let targets = Set(keys)
        let orphans = aliases.values.filter {
            targets.contains(CatalogKey(owner: $0.key.owner, name: $0.current.target))
        }
        return orphans.map { .deleteAlias($0.key) }
            + rows.map { .delete($0.key, hash: $0.hash) }
    }

    /// Old generations that nothing holds any more.
    ///
    /// - Parameters:
    ///   - retiredBefore: Unix seconds; those retired later still have their grace.
    ///   - leased: The contents some request holds.
    func expiring(retiredBefore: Int, leased: (String) -> Bool) -> [CatalogChange] {
        adapters.values.joined().compactMap { row in
            guard let retired = row.retired, retired <= retiredBefore else { return nil }
            if leased(row.hash) || isAliased(row) { return nil }
            return .delete(row.key, hash: row.hash)
        }
    }
}

extension AdapterGeneration {
    /// Whether publishing the other again would change nothing worth a write.
    fileprivate func isSameFacts(as other: AdapterGeneration) -> Bool {
        baseHash == other.baseHash && base == other.base && tags == other.tags
    }
}

/// What to do about a name that means something already.
public enum AdapterReplacement: Sendable, Hashable {
    /// Refuse.
    case never
    /// Make a new generation, whatever the name means now.
    case always
    /// Make a new generation if the name means the one with this hash.
    case expecting(String)
}
