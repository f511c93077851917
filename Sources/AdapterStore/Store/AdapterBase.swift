public import InferenceRuntime

/// The base model adapters must fit, and how their files become weights for it.
public struct AdapterBase: Sendable {
    /// The base's id, which no adapter may have.
    public let name: String
    /// The hash of its weights and configuration; `nil` where only its shape was read.
    public let hash: String?
    /// Its shape; `nil` for a base that only looks like one.
    public let architecture: Architecture?
    /// Reads the PEFT directory at a path; refuses what does not fit the base, by name.
    let read: @Sendable (_ folder: String, _ id: AdapterID) throws(AdapterUnfit) -> AdapterWeights

    /// The base a model is: adapters must fit its layers by name and shape.
    ///
    /// - Parameters:
    ///   - name: The id it is served under.
    ///   - hash: `Transformer.baseHash`, or `nil` where the weights are not loaded.
    ///   - architecture: The model's.
    ///   - folder: Where its weights are stored; without it an adapter that brings whole weights of
    ///     the base is refused.
    public init(name: String, hash: String?, architecture: Architecture, folder: String? = nil) {
        let tensors = folder.map { BaseTensors(folder: $0) }
        self.init(name: name, hash: hash, architecture: architecture) {
            (folder, id) throws(AdapterUnfit) in
            do throws(AdapterError) {
                let adapter = try LoRAAdapter(
                    folder: folder,
                    for: architecture,
                    base: tensors,
                    id: id
                )
                return AdapterWeights(adapter: adapter, bytes: adapter.bytes)
            } catch {
                throw AdapterUnfit(error.description)
            }
        }
    }

    /// A base whose adapters are read by `read`.
    package init(
        name: String,
        hash: String?,
        architecture: Architecture?,
        read:
            @escaping @Sendable (_ folder: String, _ id: AdapterID) throws(AdapterUnfit) ->
            AdapterWeights
    ) {
        self.name = name
        self.hash = hash
        self.architecture = architecture
        self.read = read
    }

    /// What llama.cpp calls its family; `nil` where llama.cpp has none.
    var family: GGUFFamily? { architecture.flatMap { GGUFFamily($0) } }
}

/// An adapter in memory and what it takes there.
package struct AdapterWeights: Sendable {
    /// The weights.
    package let adapter: LoRAAdapter
    /// Bytes in memory.
    package let bytes: Int

    /// Weights of a known size.
    package init(adapter: LoRAAdapter, bytes: Int) {
        self.adapter = adapter
        self.bytes = bytes
    }
}

/// Why a PEFT directory cannot be served on the base.
package struct AdapterUnfit: Error, Sendable, Hashable {
    /// A clause that names what does not fit.
    package let reason: String

    /// A refusal.
    package init(_ reason: String) { self.reason = reason }
}
