extension AdapterStore {
    /// What generations add to a base, each times its weight.
    public func updates(
        of parts: [(generation: AdapterGeneration, weight: Double)]
    ) throws(AdapterStoreError) -> AdapterUpdates {
        let holds = parts.map { files.hold($0.generation.hash) as any Sendable }
        return AdapterUpdates(
            try parts.map { (part) throws(AdapterStoreError) in
                try AdapterMergeSource(
                    folder: files.path(of: part.generation.hash),
                    name: part.generation.name,
                    weight: part.weight
                )
            },
            holds: holds
        )
    }
}
