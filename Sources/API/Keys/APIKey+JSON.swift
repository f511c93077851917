import Storage
import InferenceRuntime

extension APIKey {
    /// The key's entry in the key file.
    var json: JSONValue {
        [
            "id": .string(id),
            "tenant": .string(tenant.name),
            "rights": .array(KeyRight.words(rights).map(JSONValue.string)),
            "limits": .object(limits.json),
            "created": JSONValue(created),
            "salt": .string(Hex.text(digest.salt)),
            "hash": .string(Hex.text(digest.hash)),
        ]
    }

    /// Reads an entry; `nil` where anything is missing or not what it should be, since a key with
    /// a lost limit or right would be another key.
    init?(json: JSONValue) {
        guard let id = json["id"]?.string, id.hasPrefix(Self.idPrefix),
            let tenant = json["tenant"]?.string, (try? Self.check(tenant: tenant)) != nil,
            let words = json["rights"]?.array,
            let limits = json["limits"]?.object.flatMap(KeyLimits.init(json:)),
            let created = json["created"]?.int,
            let salt = json["salt"]?.string.flatMap(Hex.bytes), salt.count == 16,
            let hash = json["hash"]?.string.flatMap(Hex.bytes), hash.count == 32
        else { return nil }
        let rights = words.compactMap { $0.string.flatMap(KeyRight.init) }
        guard rights.count == words.count, !rights.isEmpty else { return nil }
        self.init(
            id: id,
            tenant: TenantID(tenant),
            rights: Set(rights),
            limits: limits,
            created: created,
            digest: KeyDigest(salt: salt, hash: hash)
        )
    }
}

extension KeyLimits {
    /// The limits there are, by name.
    var json: JSONObject {
        var json = JSONObject()
        for (name, path) in Self.names { json[name] = self[keyPath: path].map { JSONValue($0) } }
        return json
    }

    init?(json: JSONObject) {
        self.init()
        for (key, value) in json.members {
            guard let (_, path) = Self.names.first(where: { $0.name == key }),
                let amount = value.int, amount > 0
            else { return nil }
            self[keyPath: path] = amount
        }
    }
}
