public import InferenceRuntime

/// Where an adapter came from: enough to say which data and which run made it.
public struct AdapterLineage: Sendable, Hashable {
    /// The fine-tuning job.
    public var job: String?
    /// SHA-256 of the training data.
    public var dataHash: String?
    /// The seed of the run.
    public var seed: Int?
    /// The hash of the generation training started from.
    public var parent: String?
    /// The optimizer step of a checkpoint.
    public var step: Int?
    /// What it was imported from: a path as given, or `nil` for a trained adapter.
    public var source: String?

    /// A lineage with the given facts; the rest is unknown.
    public init(
        job: String? = nil,
        dataHash: String? = nil,
        seed: Int? = nil,
        parent: String? = nil,
        step: Int? = nil,
        source: String? = nil
    ) {
        self.job = job
        self.dataHash = dataHash
        self.seed = seed
        self.parent = parent
        self.step = step
        self.source = source
    }
}

extension AdapterLineage {
    /// The known facts as an object, in a fixed order.
    public var json: JSONValue {
        var object = JSONObject()
        object["job"] = job.map(JSONValue.string)
        object["data_hash"] = dataHash.map(JSONValue.string)
        object["seed"] = seed.map { JSONValue($0) }
        object["parent"] = parent.map(JSONValue.string)
        object["step"] = step.map { JSONValue($0) }
        object["source"] = source.map(JSONValue.string)
        return .object(object)
    }

    /// The facts an object holds; what has another type counts as unknown.
    public init(json: JSONValue) {
        self.init(
            job: json["job"]?.string,
            dataHash: json["data_hash"]?.string,
            seed: json["seed"]?.int,
            parent: json["parent"]?.string,
            step: json["step"]?.int,
            source: json["source"]?.string
        )
    }
}
