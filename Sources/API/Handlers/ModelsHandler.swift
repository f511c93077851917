import AdapterStore
import InferenceRuntime
import Storage

/// `/v1/models`: the base and everything that answers under another name.
struct ModelsHandler: Sendable {
    let model: ServedModel
    let store: AdapterStore?
    /// Called after a fine-tuned model is gone, so that its job forgets its checkpoints.
    let didRemove: @Sendable (_ name: String) async throws -> Void

    func list(_: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let adapters = store?.list(for: caller.adapterCaller) ?? []
        let aliases = store?.aliases(for: caller.adapterCaller) ?? []
        let models =
            [ModelObject.base(model)]
            + adapters.filter { $0.isCurrent && $0.isServable }.map { object($0.generation) }
            + aliases.map(object)
        let ids = models.compactMap { $0["id"]?.string }
        let context = model.generator.contextTokens
        return .json([
            "object": "list", "data": .array(models), "has_more": false,
            "first_id": ids.first.map(JSONValue.string) ?? .null,
            "last_id": ids.last.map(JSONValue.string) ?? .null,
            "models": .array(ids.map { CodexModel.json($0, context: context) }),
        ])
    }

    func get(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let id = request.parameters["id"] ?? ""
        if isBase(id) { return .json(ModelObject.base(model)) }
        guard let store else { throw APIError.modelNotFound(id) }
        if let alias = store.alias(id, for: caller.adapterCaller) { return .json(object(alias)) }
        do throws(AdapterStoreError) {
            let generation = try store.resolve(
                id,
                for: caller.adapterCaller,
                splitKey: request.id
            )
            return .json(object(generation, named: id))
        } catch {
            throw APIError(error, param: "model")
        }
    }

    func delete(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let id = request.parameters["id"] ?? ""
        guard !isBase(id) else { throw APIError.forbidden("The base model cannot be deleted.") }
        guard let store else { throw APIError.modelNotFound(id) }
        do throws(AdapterStoreError) {
            try await store.remove(id, for: caller.adapterCaller)
        } catch {
            throw APIError(error, param: "model")
        }
        try await didRemove(id)
        return .json(ModelObject.deleted(id))
    }

    private func isBase(_ id: String) -> Bool { id.utf8.elementsEqual(model.id.utf8) }

    private func object(_ generation: AdapterGeneration) -> JSONValue {
        object(generation, named: generation.name)
    }

    private func object(_ generation: AdapterGeneration, named name: String) -> JSONValue {
        ModelObject.adapter(
            name,
            created: generation.created,
            owner: generation.owner,
            root: generation.pinnedName,
            of: model
        )
    }

    private func object(_ alias: AdapterAlias) -> JSONValue {
        ModelObject.adapter(
            alias.name,
            created: alias.created,
            owner: alias.owner,
            root: alias.target,
            of: model,
            weights: AdapterObject.weights(of: alias)
        )
    }
}
