import AdapterStore
import InferenceRuntime
import Storage

/// Adapters and aliases as `/v1/adapters` shows them.
enum AdapterObject {
    static func json(_ status: AdapterStatus) -> JSONObject {
        let generation = status.generation
        return [
            "object": "adapter",
            "name": .string(generation.name),
            "generation": .string(generation.hash),
            "current": .bool(status.isCurrent),
            "base": .string(generation.base),
            "tenant": .string(generation.owner.description),
            "rank": JSONValue(generation.rank),
            "alpha": JSONValue.shortestNumber(generation.alpha),
            "bytes": JSONValue(generation.residentBytes),
            "file_bytes": JSONValue(generation.fileBytes),
            "residency": .string(status.residency.rawValue),
            "servable": .bool(status.isServable),
            "leases": JSONValue(status.leases),
            "created": JSONValue(generation.created),
            "lineage": generation.lineage.json,
            "tags": .array(generation.tags.map(JSONValue.string)),
        ]
    }

    /// What loading an adapter answers.
    static func loaded(_ generation: AdapterGeneration) -> JSONValue {
        [
            "id": .string(generation.name),
            "object": "adapter",
            "generation": .string(generation.hash),
            "base": .string(generation.base),
            "tenant": .string(generation.owner.description),
            "rank": JSONValue(generation.rank),
            "alpha": JSONValue.shortestNumber(generation.alpha),
            "bytes": JSONValue(generation.residentBytes),
            "created": JSONValue(generation.created),
        ]
    }

    /// The share of each generation in an alias's requests.
    static func weights(of alias: AdapterAlias) -> JSONObject {
        JSONObject(alias.weights.map { (key: $0.generation, value: JSONValue($0.share)) })
    }

    static func json(_ alias: AdapterAlias) -> JSONValue {
        [
            "object": "adapter.alias",
            "alias": .string(alias.name),
            "adapter": .string(alias.target),
            "weights": .object(weights(of: alias)),
            "tenant": .string(alias.owner.description),
            "version": JSONValue(alias.version),
            "created": JSONValue(alias.created),
        ]
    }
}

extension JSONValue {
    /// A number written as people write it: `16`, not `16.0`.
    static func shortestNumber(_ value: Double) -> JSONValue {
        Int(exactly: value).map { JSONValue($0) } ?? JSONValue(value)
    }
}
