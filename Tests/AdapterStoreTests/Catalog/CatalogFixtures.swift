import Storage

@testable import AdapterStore

/// A generation whose hash is made from `content`.
func generation(
    _ name: String,
    _ content: Int,
    owner: TenantID = .shared,
    bytes: Int = 100
) -> AdapterGeneration {
    let digits = String(content, radix: 16)
    return AdapterGeneration(
        name: name,
        owner: owner,
        hash: digits + String(repeating: "0", count: 64 - digits.count),
        baseHash: "base",
        base: "facet-demo",
        rank: 8,
        alpha: 16,
        fileBytes: bytes,
        residentBytes: bytes,
        created: 1_700_000_000 + content,
        lineage: AdapterLineage(seed: content),
        tags: []
    )
}

extension CatalogState {
    /// Publishes and applies.
    mutating func publish(
        _ generation: AdapterGeneration,
        for caller: AdapterCaller = .program,
        replacing: AdapterReplacement = .always,
        now: Int = 0
    ) throws {
        for change in try publishing(generation, for: caller, replacing: replacing, now: now) {
            apply(change)
        }
    }
}
