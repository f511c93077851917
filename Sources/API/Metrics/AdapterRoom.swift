import AdapterStore

/// Which adapters are loaded and ready, and how many fit, in the words of
/// `vllm:lora_requests_info`: routers send a request to a server that has its adapter, or room for it.
struct AdapterRoom: Sendable {
    /// A name for each content, for what the engine counts.
    private(set) var names: [String: String] = [:]
    /// Names and aliases that would be answered without loading.
    private(set) var resident: [String] = []
    /// How many adapters of the usual size are in memory at a time.
    private(set) var capacity = 0

    /// Without adapters.
    init() {}

    /// What the store says of its adapters.
    init(
        _ statistics: AdapterStoreStatistics,
        _ statuses: [AdapterStatus],
        _ aliases: [AdapterAlias]
    ) {
        for status in statuses { names[status.generation.hash] = status.generation.name }
        let current = statuses.filter(\.isCurrent)
        let ready = current.filter { $0.residency == .memory }.map(\.generation.name)
        resident = ready + aliases.filter { ready.contains($0.target) }.map(\.name)
        let bytes = current.reduce(0) { $0 + $1.generation.residentBytes }
        let usual = max(1, bytes / max(1, current.count))
        capacity = max(
            statistics.residentAdapters,
            current.isEmpty ? 1 : statistics.memoryBudget / usual
        )
    }
}
