import Storage

/// From what a request says to one generation.
extension CatalogState {
    /// The generation a name means for this caller.
    ///
    /// - Parameters:
    ///   - name: An adapter, an alias, a fine-tuned model, or `name@generation`.
    ///   - splitKey: What decides between an alias's generations; equal keys choose alike.
    func resolve(
        _ name: String,
        for caller: AdapterCaller,
        splitKey: String
    ) throws(AdapterStoreError) -> AdapterGeneration {
        let parts = name.utf8.split(
            separator: UInt8(ascii: "@"),
            maxSplits: 1,
            omittingEmptySubsequences: false
        )
        let plain = parts.first.flatMap { String($0) } ?? name
        guard let key = find(plain, for: caller) else { throw .unknownAdapter(name: name) }
        if parts.count == 2 {
            let pin = String(parts[1]) ?? ""
            return try pinned(key, generation: pin).generation
        }
        if let row = current(key) { return row.generation }
        guard let alias = aliases[key] else { throw .unknownAdapter(name: name) }
        return try choose(alias, splitKey: splitKey)
    }

    /// The owner's key of a name this caller sees: its own first, then everybody's, then, for an
    /// administrator, the only one of the other tenants'.
    func find(_ name: String, for caller: AdapterCaller) -> CatalogKey? {
        for owner in [caller.tenant, .shared] {
            let key = CatalogKey(owner: owner, name: name)
            if isTaken(key) { return key }
        }
        guard caller.isAdministrator else { return nil }
        let others = Set(adapters.keys).union(aliases.keys)
            .filter { $0.name.utf8.elementsEqual(name.utf8) }
        return others.count == 1 ? others.first : nil
    }

    /// Whether an adapter or an alias has this name.
    func isTaken(_ key: CatalogKey) -> Bool {
        adapters[key] != nil || aliases[key] != nil
    }

    /// The generation of `key` with this hash, or the only one whose hash begins so.
    func pinned(
        _ key: CatalogKey,
        generation: String
    ) throws(AdapterStoreError) -> CatalogGeneration {
        let rows = adapters[key] ?? []
        if let exact = rows.first(where: { $0.hash == generation }) { return exact }
        let alike = rows.filter { generation.utf8.count >= 12 && $0.hash.hasPrefix(generation) }
        guard alike.count == 1, let row = alike.first else {
            throw .unknownGeneration(name: key.name, generation: generation)
        }
        return row
    }

    private func choose(
        _ alias: CatalogAlias,
        splitKey: String
    ) throws(AdapterStoreError) -> AdapterGeneration {
        let target = CatalogKey(owner: alias.key.owner, name: alias.current.target)
        let weights = alias.current.weights
        guard !weights.isEmpty else {
            guard let row = current(target) else { throw .unknownAdapter(name: target.name) }
            return row.generation
        }
        let total = weights.reduce(0) { $0 + $1.share }
        var left = AliasSplit.fraction(alias: alias.key.name, key: splitKey) * total
        for weight in weights {
            left -= weight.share
            if left < 0 { return try pinned(target, generation: weight.generation).generation }
        }
        // The last share ends where rounding leaves it.
        let last = weights[weights.count - 1].generation
        return try pinned(target, generation: last).generation
    }
}

/// The lot a request draws where an alias is split; the same in every process and on every day.
enum AliasSplit {
    /// A number in 0 ..< 1 that depends on the alias and the key alone.
    static func fraction(alias: String, key: String) -> Double {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in [Array(alias.utf8), [0], Array(key.utf8)].joined() {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        // FNV alone leaves the high bits of short keys alike; this mixes them.
        hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
        hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
        return Double((hash ^ (hash >> 31)) >> 11) * 0x1p-53
    }
}
