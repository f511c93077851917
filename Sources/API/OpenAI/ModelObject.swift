import Storage
import InferenceRuntime

/// A model as `/v1/models` shows it; adapters carry `parent` and `root` as vLLM gives them.
enum ModelObject {
    /// The base: the entry without `parent`.
    static func base(_ model: ServedModel) -> JSONValue {
        [
            "id": .string(model.id),
            "object": "model",
            "created": JSONValue(model.created),
            "owned_by": "facet",
            "root": .string(model.root),
            "max_model_len": JSONValue(model.generator.contextTokens),
        ]
    }

    /// What a name other than the base's stands for.
    ///
    /// - Parameter root: What answers in the end: the generation, or an alias's target.
    static func adapter(
        _ name: String,
        created: Int,
        owner: TenantID,
        root: String,
        of base: ServedModel
    ) -> JSONValue {
        [
            "id": .string(name),
            "object": "model",
            "created": JSONValue(created),
            "owned_by": .string(owner.isShared ? "facet" : owner.name),
            "root": .string(root),
            "parent": .string(base.id),
            "max_model_len": JSONValue(base.generator.contextTokens),
        ]
    }

    static func deleted(_ id: String) -> JSONValue {
        ["id": .string(id), "object": "model", "deleted": true]
    }
}
