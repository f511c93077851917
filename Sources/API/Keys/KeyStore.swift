import Storage

/// Where API keys are kept: a file, or a database that servers share.
public protocol KeyStore: Sendable {
    /// The keys, oldest first.
    /// - Throws: `KeyFileError` where they cannot be read whole.
    func load() throws(KeyFileError) -> [APIKey]

    /// Adds a key.
    func add(_ key: APIKey) throws(KeyFileError)

    /// Takes a key out; running servers refuse it within seconds.
    @discardableResult
    func revoke(id: String) throws(KeyFileError) -> APIKey
}

extension KeyStore {
    /// Makes a key and adds it.
    ///
    /// - Returns: The key, and its text, which is stored nowhere.
    public func create(
        tenant: String,
        rights: Set<KeyRight> = KeyRight.standard,
        limits: KeyLimits = KeyLimits()
    ) throws(KeyFileError) -> (key: APIKey, text: String) {
        try APIKey.check(tenant: tenant)
        guard !rights.isEmpty else { throw .invalidArgument("A key needs at least one right") }
        let made = APIKey.make(tenant: TenantID(tenant), rights: rights, limits: limits)
        try add(made.key)
        return made
    }
}

/// What `--api-keys` may name.
public enum KeyPlace {
    /// The keys in a file, or in the database of a `postgresql://` URL.
    /// - Throws: `KeyFileError` where the database cannot be used.
    public static func store(_ text: String) throws(KeyFileError) -> any KeyStore {
        FacetDatabase.isURL(text) ? try KeyTable(url: text) : KeyFile(path: text)
    }
}
