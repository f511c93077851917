import Glibc
import Storage
import InferenceRuntime

/// A model as `/v1/models` shows it; adapters carry `parent` and `root` as vLLM gives them.
///
/// Anthropic's clients read the same list: `type`, `display_name`, `created_at`.
enum ModelObject {
    /// The base: the entry without `parent`.
    static func base(_ model: ServedModel) -> JSONValue {
        var object = common(model.id, created: model.created, of: model)
        object["owned_by"] = "facet"
        object["root"] = .string(model.base.folder)
        return .object(object)
    }

    /// What a name other than the base's stands for.
    ///
    /// - Parameters:
    ///   - root: What answers in the end: the generation, or an alias's target.
    ///   - weights: How an alias splits its requests between generations.
    static func adapter(
        _ name: String,
        created: Int,
        owner: TenantID,
        root: String,
        of base: ServedModel,
        weights: JSONObject? = nil
    ) -> JSONValue {
        var object = common(name, created: created, of: base)
        object["owned_by"] = .string(owner.isShared ? "facet" : owner.name)
        object["root"] = .string(root)
        object["parent"] = .string(base.id)
        object["weights"] = weights.map(JSONValue.object)
        return .object(object)
    }

    private static func common(
        _ id: String,
        created: Int,
        of base: ServedModel
    ) -> JSONObject {
        let context = JSONValue(base.generator.contextTokens)
        return [
            "id": .string(id), "object": "model", "created": JSONValue(created),
            "max_model_len": context, "type": "model", "display_name": .string(id),
            "created_at": .string(timestamp(created)), "max_input_tokens": context,
            "max_tokens": context,
        ]
    }

    /// A time as RFC 3339 writes it, such as `2026-12-01T08:00:00Z`.
    private static func timestamp(_ seconds: Int) -> String {
        var (time, parts) = (time_t(seconds), tm())
        gmtime_r(&time, &parts)
        func pad(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let date = "\(1900 + parts.tm_year)-\(pad(parts.tm_mon + 1))-\(pad(parts.tm_mday))"
        return date + "T\(pad(parts.tm_hour)):\(pad(parts.tm_min)):\(pad(parts.tm_sec))Z"
    }

    static func deleted(_ id: String) -> JSONValue {
        ["id": .string(id), "object": "model", "deleted": true]
    }
}
