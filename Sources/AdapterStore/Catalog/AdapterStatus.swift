public import Storage

/// Where an adapter's weights are.
public enum AdapterResidency: String, Sendable {
    /// Ready to compute with.
    case memory
    /// Only in its file; a lease loads it.
    case disk
}

/// One generation as `GET /v1/adapters` shows it.
public struct AdapterStatus: Sendable {
    /// The generation.
    public let generation: AdapterGeneration
    /// Whether its name means it now; old generations live on for a lease, an alias or the grace.
    public let isCurrent: Bool
    /// Where its weights are.
    public let residency: AdapterResidency
    /// How many leases hold it.
    public let leases: Int
    /// Whether it can answer on the running base.
    public let isServable: Bool
}

/// A name that stands for generations of one adapter.
public struct AdapterAlias: Sendable, Hashable {
    /// The alias.
    public let name: String
    /// Whom it belongs to.
    public let owner: TenantID
    /// The adapter whose generations it names.
    public let target: String
    /// How requests are split; empty: all go to the target's current generation.
    public let weights: [AdapterAliasWeight]
    /// When it was made, in Unix seconds.
    public let created: Int
    /// Counts its changes from 1; what rollback steps through.
    public let version: Int
}

/// The share of an alias's requests that one generation answers.
public struct AdapterAliasWeight: Sendable, Hashable {
    /// The generation's hash.
    public let generation: String
    /// Its part of the sum of all shares; positive and finite.
    public let share: Double

    /// A share for one generation.
    public init(generation: String, share: Double) {
        self.generation = generation
        self.share = share
    }
}
