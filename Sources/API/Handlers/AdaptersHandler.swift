import AdapterStore
import InferenceRuntime
import Logging
import Storage

/// `/v1/load_lora_adapter`, `/v1/unload_lora_adapter` and `/v1/adapters`.
struct AdaptersHandler: Sendable {
    let store: AdapterStore
    let models: ModelsHandler
    /// Everything that counts against what a tenant may store.
    let storedBytes: StoredBytes

    /// vLLM's body: copies an adapter into the store and serves it under a name.
    func load(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let wanted = try await request.decode { fields throws(APIError) in
            AdapterPublication(
                name: try fields.requiredString("lora_name"),
                path: try fields.requiredString("lora_path"),
                replacing: try Self.replacement(fields)
            )
        }
        let publication = try await limited(wanted, for: caller)
        let generation = try await perform("lora_name") { () async throws(AdapterStoreError) in
            try await store.publish(publication, for: caller.adapterCaller)
        }
        request.log["adapter"] = "\(generation.name)"
        return .json(AdapterObject.loaded(generation))
    }

    /// The same publication, within what the caller's tenant may still store.
    private func limited(
        _ publication: AdapterPublication,
        for caller: Caller
    ) async throws -> AdapterPublication {
        var publication = publication
        publication.ownerLimit = try await allowance(of: caller)
        return publication
    }

    /// Bytes of adapters that the caller's tenant may have in all; `nil` for any number.
    func allowance(of caller: Caller) async throws -> Int? {
        guard let allowance = caller.storedBytes else { return nil }
        return max(0, allowance - (try await storedBytes.besideAdapters(of: caller.tenant)))
    }

    private static func replacement(_ fields: RequestFields) throws(APIError) -> AdapterReplacement
    {
        let replaces = try fields.bool("load_inplace") ?? false
        guard let expected = try fields.string("expected_generation") else {
            return replaces ? .always : .never
        }
        guard replaces else {
            throw .invalid(
                "expected_generation",
                "'expected_generation' is only allowed when 'load_inplace' is true."
            )
        }
        return .expecting(expected)
    }

    /// vLLM's body: takes a name out of the store.
    func unload(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let name = try await request.decode { fields throws(APIError) in
            try fields.requiredString("lora_name")
        }
        try await remove(name, caller, param: "lora_name")
        return .json(["id": .string(name), "object": "adapter", "deleted": true])
    }

    func list(_: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let adapters = store.list(for: caller.adapterCaller)
        let aliases = store.aliases(for: caller.adapterCaller)
        return .json([
            "object": "list",
            "data": .array(adapters.map { .object(AdapterObject.json($0)) }),
            "aliases": .array(aliases.map(AdapterObject.json)),
        ])
    }

    /// The current generation of an adapter, and all that are still there.
    func get(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let name = request.parameters["name"] ?? ""
        if let alias = store.alias(name, for: caller.adapterCaller) {
            return .json(AdapterObject.json(alias))
        }
        let generations = try await perform("name") { () async throws(AdapterStoreError) in
            try store.generations(of: name, for: caller.adapterCaller)
        }
        var object = generations.first.map(AdapterObject.json) ?? JSONObject()
        object["generations"] = .array(generations.map { .object(AdapterObject.json($0)) })
        return .json(.object(object))
    }

    func delete(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let name = request.parameters["name"] ?? ""
        try await remove(name, caller, param: "name")
        return .json(["name": .string(name), "object": "adapter", "deleted": true])
    }

    /// One file: a tar archive of the PEFT directory, or llama.cpp's form with `format=gguf`.
    func content(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let format = try Self.format(request)
        let name = request.parameters["name"] ?? ""
        do throws(AdapterStoreError) {
            let generation = try store.resolve(name, for: caller.adapterCaller, splitKey: "")
            let exported = try await store.exported(generation, as: format)
            var response = HTTPResponse.file(
                exported.path,
                contentType: format == .tar ? "application/x-tar" : "application/octet-stream",
                holding: exported
            )
            response.attach(as: "\(generation.name).\(format.rawValue)")
            return response
        } catch {
            throw APIError(error, param: "name")
        }
    }

    private static func format(_ request: HTTPRequest) throws(APIError) -> AdapterFormat {
        switch try request.query("format") {
        case nil, "tar": .tar
        case "gguf": .gguf
        case let format?: throw .notAmong("format", ["tar", "gguf"], format)
        }
    }

    /// Points an alias at the adapter of the path, splits it between generations, or takes its
    /// last change back.
    func alias(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let name = request.parameters["name"] ?? ""
        let (alias, rollsBack, weights) = try await request.decode { fields throws(APIError) in
            (
                try fields.requiredString("alias"), try fields.bool("rollback") ?? false,
                try Self.weights(fields)
            )
        }
        let changed = try await perform("alias") { () async throws(AdapterStoreError) in
            guard !rollsBack else {
                return try await store.rollBackAlias(alias, for: caller.adapterCaller)
            }
            return try await store.setAlias(
                alias,
                to: name,
                weights: weights,
                for: caller.adapterCaller
            )
        }
        return .json(AdapterObject.json(changed))
    }

    private static func weights(_ fields: RequestFields) throws(APIError) -> [AdapterAliasWeight] {
        guard let weights = try fields.object("weights") else { return [] }
        var result: [AdapterAliasWeight] = []
        for (generation, value) in weights.object.members {
            let share = try RequestFields.number(value, weights.name(generation), in: 0...1e9)
            result.append(AdapterAliasWeight(generation: generation, share: share))
        }
        return result
    }

    private func remove(_ name: String, _ caller: Caller, param: String) async throws {
        guard !name.utf8.elementsEqual(models.model.id.utf8) else {
            throw APIError.forbidden("The base model cannot be removed.")
        }
        try await perform(param) { () async throws(AdapterStoreError) in
            try await store.remove(name, for: caller.adapterCaller)
        }
        try await models.didRemove(name)
    }

    /// What the store does, with its errors as the API's about a field.
    func perform<Value>(
        _ param: String,
        _ body: () async throws(AdapterStoreError) -> Value
    ) async throws(APIError) -> Value {
        do throws(AdapterStoreError) {
            return try await body()
        } catch {
            throw APIError(error, param: Self.param(of: error) ?? param)
        }
    }

    /// The field an error is about, where it tells.
    private static func param(of error: AdapterStoreError) -> String? {
        switch error {
        case .pathNotAllowed, .invalidSource, .tooLarge, .wrongBase, .unfit, .overBudget:
            "lora_path"
        case .invalidWeights: "weights"
        default: nil
        }
    }
}
