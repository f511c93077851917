public import InferenceRuntime

/// One generation in memory, kept there until the lease is let go.
///
/// Replacing, unloading or evicting the adapter changes nothing for who holds a lease.
public final class AdapterLease: Sendable {
    /// What was leased.
    public let generation: AdapterGeneration
    /// Its weights.
    public let adapter: LoRAAdapter
    private let pin: ResidencyPin<LoRAAdapter>
    private let hold: FileHold

    init(generation: AdapterGeneration, pin: ResidencyPin<LoRAAdapter>, hold: FileHold) {
        self.generation = generation
        self.adapter = pin.values[0]
        self.pin = pin
        self.hold = hold
    }

    /// The adapter alone, at a scale.
    public func mix(scale: Float) -> AdapterMix {
        AdapterMix([AdapterMix.Entry(adapter: adapter, scale: scale)])
    }
}

/// All adapters of a mix in memory, kept there until the lease is let go.
public final class AdapterMixLease: Sendable {
    /// What was leased, in the order of the request.
    public let entries: [AdapterMixEntry]
    /// The weights with their scales, in the same order.
    public let mix: AdapterMix
    private let pin: ResidencyPin<LoRAAdapter>
    private let holds: [FileHold]

    init(entries: [AdapterMixEntry], pin: ResidencyPin<LoRAAdapter>, holds: [FileHold]) {
        self.entries = entries
        self.mix = AdapterMix(
            zip(pin.values, entries).map { AdapterMix.Entry(adapter: $0, scale: $1.scale) }
        )
        self.pin = pin
        self.holds = holds
    }
}

/// One adapter of a mix, resolved.
public struct AdapterMixEntry: Sendable, Hashable {
    /// The generation.
    public let generation: AdapterGeneration
    /// Multiplies the adapter's own alpha / rank.
    public let scale: Float

    /// An adapter at a scale.
    public init(generation: AdapterGeneration, scale: Float) {
        self.generation = generation
        self.scale = scale
    }
}
