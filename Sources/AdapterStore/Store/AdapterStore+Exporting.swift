import Storage
import InferenceRuntime

extension AdapterStore {
    /// Writes a generation to a path of this machine, whole or not at all.
    ///
    /// - Parameters:
    ///   - generation: From `resolve`.
    ///   - path: What must not exist yet.
    ///   - format: For llama.cpp's form the base must be known.
    public func export(
        _ generation: AdapterGeneration,
        to path: String,
        as format: AdapterFormat
    ) async throws(AdapterStoreError) {
        let hold = files.hold(generation.hash)
        let exporter = AdapterExporter(
            generation: generation,
            folder: files.path(of: generation.hash),
            architecture: configuration.base?.architecture
        )
        try await threads.run { [files] () throws(AdapterStoreError) in
            try files.fetch(generation.hash)
            try exporter.write(to: path, as: format)
        }
        withExtendedLifetime(hold) {}
    }

    /// Writes a generation to a file that goes when the result does.
    public func exported(
        _ generation: AdapterGeneration,
        as format: AdapterFormat
    ) async throws(AdapterStoreError) -> ExportedAdapter {
        precondition(format != .peft, "a format of one file")
        let exported = ExportedAdapter(in: try StagingFolder.adapter(in: files.root))
        try await export(generation, to: exported.path, as: format)
        return exported
    }
}
