import InferenceRuntime
import Storage

/// `/v1/keys`: the keys of the server, for administrators.
struct KeysHandler: Sendable {
    let store: any KeyStore

    /// Every key without its text, oldest first.
    func list(_: HTTPRequest, _: Caller) async throws -> HTTPResponse {
        let keys = try await perform { store throws(KeyFileError) in try store.load() }
        return .json(["object": "list", "data": .array(keys.map(Self.object)), "has_more": false])
    }

    /// Makes a key; its text is in this answer and nowhere else.
    func create(_ request: HTTPRequest, _: Caller) async throws -> HTTPResponse {
        let (tenant, rights, limits) = try await request.decode { fields throws(APIError) in
            (
                try fields.requiredString("tenant"), try Self.rights(fields),
                try Self.limits(fields)
            )
        }
        let made = try await perform { store throws(KeyFileError) in
            try store.create(tenant: tenant, rights: rights, limits: limits)
        }
        var object = Self.object(made.key).object ?? JSONObject()
        object["key"] = .string(made.text)
        return .json(.object(object))
    }

    /// Takes a key out; the server refuses it within seconds.
    func delete(_ request: HTTPRequest, _: Caller) async throws -> HTTPResponse {
        let id = request.parameters["id"] ?? ""
        _ = try await perform { store throws(KeyFileError) in try store.revoke(id: id) }
        return .json(["id": .string(id), "object": "key", "deleted": true])
    }

    private static func rights(_ fields: RequestFields) throws(APIError) -> Set<KeyRight> {
        guard let words = try fields.array("rights") else { return KeyRight.standard }
        var rights: Set<KeyRight> = []
        for word in words {
            guard let right = word.string.flatMap(KeyRight.init) else {
                throw .notAmong(
                    "rights",
                    KeyRight.allCases.map(\.rawValue),
                    word.string ?? word.serialized
                )
            }
            rights.insert(right)
        }
        return rights
    }

    private static func limits(_ fields: RequestFields) throws(APIError) -> KeyLimits {
        guard let object = try fields.object("limits")?.object else { return KeyLimits() }
        let given = JSONObject(object.members.filter { !$0.value.isNull })
        guard let limits = KeyLimits(json: given) else {
            let names = KeyLimits.names.map { "'\($0.name)'" }.joined(separator: ", ")
            throw .invalid("limits", "Invalid 'limits': whole numbers above 0 for \(names).")
        }
        return limits
    }

    private func perform<Value: Sendable>(
        _ body: @escaping @Sendable (any KeyStore) throws(KeyFileError) -> Value
    ) async throws(APIError) -> Value {
        let store = store
        do throws(KeyFileError) {
            return try await ProcessorWork.run(bytes: 0) { () throws(KeyFileError) in
                try body(store)
            }
        } catch {
            switch error {
            case .unknownKey(let id):
                throw .notFound("API key", id, param: "id", code: "key_not_found")
            case .invalidArgument: throw .invalid("tenant", "\(error)")
            case .unavailable(let message): throw .outage(message)
            case .missing, .damaged, .storage: throw .server("\(error)")
            }
        }
    }

    private static func object(_ key: APIKey) -> JSONValue {
        [
            "id": .string(key.id), "object": "key", "tenant": .string(key.tenant.name),
            "rights": .array(KeyRight.words(key.rights).map(JSONValue.string)),
            "limits": .object(key.limits.json), "created": JSONValue(key.created),
        ]
    }
}
