import AdapterStore
import Storage

/// On whose behalf a request is answered.
struct Caller: Sendable {
    /// Whose things it sees, and what its things will belong to.
    let tenant: TenantID
    /// What it may do.
    let rights: Set<KeyRight>
    /// The id of its key; `nil` where the server runs without keys.
    let keyID: String?
    /// Bytes its tenant may store in files; `nil`: no limit.
    let storedBytes: Int?
    /// Its place among the requests of its key; what it uses is charged there.
    let admission: Admission?
    /// Whether its requests give way to those of others.
    var isBackground = false

    /// Whoever asks where the server runs without keys: everything is theirs.
    static let keyless = Caller(
        tenant: .keyless,
        rights: Set(KeyRight.allCases),
        keyID: nil,
        storedBytes: nil,
        admission: nil
    )

    var isAdministrator: Bool { rights.contains(.admin) }

    /// The caller as the adapter store knows it.
    var adapterCaller: AdapterCaller {
        isAdministrator ? .administrator(of: tenant) : .tenant(tenant)
    }

    /// Whether it may see what belongs to `owner`.
    func sees(_ owner: TenantID) -> Bool {
        isAdministrator || owner == tenant || owner.isShared
    }

    /// 403 unless the caller has one of the rights.
    func require(anyOf needed: Set<KeyRight>) throws(APIError) {
        guard !needed.isEmpty, !isAdministrator, rights.isDisjoint(with: needed) else { return }
        let words = KeyRight.words(needed).map { "'\($0)'" }.joined(separator: " or ")
        throw .forbidden("This API key has no right to do that; it needs \(words).")
    }
}
