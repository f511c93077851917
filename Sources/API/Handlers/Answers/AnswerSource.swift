import AdapterStore
import InferenceRuntime

/// Who answers a request: the base, an adapter, or a mix; its weights stay as long as this does.
struct AnswerSource: Sendable {
    /// What is added to the base; empty is the base alone.
    let mix: AdapterMix
    /// The adapter's name for metrics, several joined by `+`, or the base's id.
    let label: String
    /// Generations and scales in their order; part of the fingerprint.
    let generations: [String]
    /// What keeps the weights in memory; `nil` for the base alone.
    let lease: AdapterMixLease?
    /// Whether the weights were in memory when they were asked for.
    let wasResident: Bool

    /// The base alone.
    static func base(_ id: String) -> AnswerSource {
        AnswerSource(mix: AdapterMix(), label: id, generations: [], lease: nil, wasResident: true)
    }

    /// The adapters of a lease.
    init(_ lease: AdapterMixLease, wasResident: Bool) {
        mix = lease.mix
        label = lease.entries.map(\.generation.name).joined(separator: "+")
        generations = lease.entries.map { entry in
            entry.scale == 1 ? entry.generation.hash : "\(entry.generation.hash)*\(entry.scale)"
        }
        self.lease = lease
        self.wasResident = wasResident
    }

    private init(
        mix: AdapterMix,
        label: String,
        generations: [String],
        lease: AdapterMixLease?,
        wasResident: Bool
    ) {
        self.mix = mix
        self.label = label
        self.generations = generations
        self.lease = lease
        self.wasResident = wasResident
    }

    /// Tells who answers, and whether a router has sent the request to a server that was ready for it.
    var headers: HTTPHeaders {
        var headers: HTTPHeaders = [
            "x-facet-adapter": label, "x-facet-resident": wasResident ? "hit" : "miss",
        ]
        guard !generations.isEmpty else { return headers }
        headers["x-adapter-id"] = label
        headers["x-adapter-generation"] = generations.joined(separator: ",")
        return headers
    }
}
