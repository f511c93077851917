public import InferenceRuntime

/// What adapters add to a base's linear layers, read module by module: for merging them into weights.
public struct AdapterUpdates {
    private let sources: [AdapterMergeSource]
    /// Keeps the files.
    private let holds: [any Sendable]

    /// PEFT directories, each with the factor of what it does.
    public init(_ folders: [(path: String, weight: Double)]) throws(AdapterStoreError) {
        self.init(
            try folders.map { (folder) throws(AdapterStoreError) in
                try AdapterMergeSource(
                    folder: folder.path,
                    name: folder.path,
                    weight: folder.weight
                )
            },
            holds: []
        )
    }

    init(_ sources: [AdapterMergeSource], holds: [any Sendable]) {
        self.sources = sources
        self.holds = holds
    }

    /// These and others.
    public static func + (left: AdapterUpdates, right: AdapterUpdates) -> AdapterUpdates {
        AdapterUpdates(left.sources + right.sources, holds: left.holds + right.holds)
    }

    /// The modules that are changed.
    public var modules: [String] { sources.flatMap(\.modules) }

    /// What is added to a module.
    public func updates(of module: String) throws(CheckpointError) -> [WeightUpdate] {
        do throws(AdapterStoreError) {
            var result: [WeightUpdate] = []
            for source in sources {
                guard let pair = try source.pair(of: module) else { continue }
                result.append(
                    WeightUpdate(
                        factor: Float(pair.factor),
                        rank: pair.rank,
                        a: pair.a,
                        b: pair.b
                    )
                )
            }
            return result
        } catch {
            throw .unsupported(tensor: module, reason: error.description)
        }
    }
}
