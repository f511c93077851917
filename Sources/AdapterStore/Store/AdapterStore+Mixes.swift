extension AdapterStore {
    /// The scales a request may give an adapter.
    public static let scales: ClosedRange<Float> = -8...8

    /// The most adapters one request may mix.
    public static let maximumMixed = 32

    /// Resolves the `lora` list of a request; empty is the base.
    ///
    /// - Parameters:
    ///   - names: Each adapter with its scale; an adapter may appear once.
    ///   - caller: Decides which names are visible.
    ///   - splitKey: Decides where an alias is split.
    public func resolveMix(
        _ names: [(name: String, scale: Double)],
        for caller: AdapterCaller,
        splitKey: String
    ) throws(AdapterStoreError) -> [AdapterMixEntry] {
        guard names.count <= Self.maximumMixed else {
            throw .invalidMix(reason: "at most \(Self.maximumMixed) adapters can be mixed")
        }
        var entries: [AdapterMixEntry] = []
        for (name, scale) in names {
            guard scale.isFinite, Self.scales.contains(Float(scale)) else {
                throw .invalidMix(reason: "the scale of '\(name)' is not within -8 and 8")
            }
            let generation = try resolve(name, for: caller, splitKey: splitKey)
            guard !entries.contains(where: { $0.generation.isSameAdapter(as: generation) }) else {
                throw .invalidMix(reason: "'\(generation.name)' appears twice")
            }
            entries.append(AdapterMixEntry(generation: generation, scale: Float(scale)))
        }
        return entries
    }
}

extension AdapterGeneration {
    fileprivate func isSameAdapter(as other: AdapterGeneration) -> Bool {
        hash == other.hash || name == other.name && owner == other.owner
    }
}
