public import InferenceRuntime
import Storage

extension AdapterStatus {
    /// An element of `data` in `GET /v1/adapters`.
    public var json: JSONValue {
        [
            "name": .string(generation.name),
            "generation": .string(generation.hash),
            "base": .string(generation.base),
            "tenant": .string(generation.owner.description),
            "rank": JSONValue(generation.rank),
            "alpha": Int(exactly: generation.alpha).map { JSONValue($0) }
                ?? JSONValue(generation.alpha),
            "bytes": JSONValue(generation.fileBytes),
            "residency": .string(residency.rawValue),
            "leases": JSONValue(leases),
            "created": JSONValue(generation.created),
            "lineage": generation.lineage.json,
            "current": .bool(isCurrent),
            "servable": .bool(isServable),
            "tags": .array(generation.tags.map(JSONValue.string)),
        ]
    }
}

extension AdapterAlias {
    /// An alias as the adapter routes show it.
    public var json: JSONValue {
        let shares = weights.map { (key: $0.generation, value: JSONValue($0.share)) }
        return [
            "alias": .string(name),
            "name": .string(target),
            "tenant": .string(owner.description),
            "weights": .object(JSONObject(shares)),
            "created": JSONValue(created),
            "version": JSONValue(version),
        ]
    }
}
