import AdapterStore
import Storage

/// What each adapter does, and where adapters are.
///
/// Labelled by the name requests resolve to and its tenant; after the first few hundred adapters
/// the rest is counted as `other`.
final class AdapterMetrics: Sendable {
    /// How many adapters get series of their own.
    static let maximumAdapters = 200

    let requests = MetricFamily(
        "facet_adapter_requests_total",
        .counter,
        help: "Answered requests by adapter, tenant and outcome.",
        labels: ["adapter", "tenant", "status"],
        maximumSeries: maximumAdapters * 3
    )
    let tokens = MetricFamily(
        "facet_adapter_tokens_total",
        .counter,
        help: "Tokens by adapter, tenant and kind.",
        labels: ["adapter", "tenant", "kind"],
        maximumSeries: maximumAdapters * 3
    )
    let firstToken = MetricFamily(
        "facet_adapter_ttft_seconds",
        .histogram(MetricBuckets.firstToken),
        help: "Time to the first token, by adapter.",
        labels: ["adapter"],
        maximumSeries: maximumAdapters
    )
    let resident = MetricFamily(
        "facet_adapter_resident",
        .gauge,
        help: "Whether an adapter's weights are in memory.",
        labels: ["adapter", "tenant"],
        maximumSeries: maximumAdapters
    )
    let leases = MetricFamily(
        "facet_adapter_leases",
        .gauge,
        help: "Requests and jobs that hold an adapter.",
        labels: ["adapter", "tenant"],
        maximumSeries: maximumAdapters
    )
    let bytes = MetricFamily(
        "facet_adapter_bytes",
        .gauge,
        help: "Memory an adapter takes while resident.",
        labels: ["adapter", "tenant"],
        maximumSeries: maximumAdapters
    )
    private let registered = MetricFamily(
        "facet_adapters_registered",
        .gauge,
        help: "Adapters in the store."
    )
    private let residentBytes = MetricFamily(
        "facet_adapter_memory_bytes",
        .gauge,
        help: "Memory of adapters, in use and allowed.",
        labels: ["kind"]
    )
    private let waiting = MetricFamily(
        "facet_adapter_memory_waiting",
        .gauge,
        help: "Requests that wait for memory for their adapter."
    )

    var families: [MetricFamily] {
        [requests, tokens, firstToken, resident, leases, bytes, registered, residentBytes, waiting]
    }

    /// Takes over what the store says of its adapters.
    func update(_ statistics: AdapterStoreStatistics, _ statuses: [AdapterStatus]) {
        registered.set(Double(statistics.adapters))
        residentBytes.set(Double(statistics.residentBytes), "used")
        residentBytes.set(Double(statistics.memoryBudget), "budget")
        waiting.set(Double(statistics.waitingForMemory))
        for family in [resident, leases, bytes] { family.reset() }
        // The busiest first, so that they are not among `other`.
        let current = statuses.filter(\.isCurrent)
            .sorted { ($0.leases, $0.residencyRank) > ($1.leases, $1.residencyRank) }
        for status in current.prefix(Self.maximumAdapters) {
            let name = status.generation.name
            let tenant = status.generation.owner.description
            resident.set(Double(status.residencyRank), name, tenant)
            leases.set(Double(status.leases), name, tenant)
            bytes.set(Double(status.generation.residentBytes), name, tenant)
        }
    }
}

extension AdapterStatus {
    fileprivate var residencyRank: Int { residency == .memory ? 1 : 0 }
}
