public import Storage

/// On whose behalf the store is asked: decides which names are visible and which may change.
public struct AdapterCaller: Sendable, Hashable {
    /// The caller's tenant; what it publishes belongs to this tenant.
    public let tenant: TenantID
    /// Whether the caller may see and change what belongs to other tenants and to everybody.
    public let isAdministrator: Bool

    /// A caller with the rights of one tenant.
    public static func tenant(_ tenant: TenantID) -> AdapterCaller {
        AdapterCaller(tenant: tenant, isAdministrator: false)
    }

    /// A caller with all rights; its own things come first where names are ambiguous.
    public static func administrator(of tenant: TenantID) -> AdapterCaller {
        AdapterCaller(tenant: tenant, isAdministrator: true)
    }

    /// The program itself, which publishes what belongs to everybody.
    public static let program = AdapterCaller.administrator(of: .shared)

    /// Whether the caller may see what belongs to `owner`.
    func sees(_ owner: TenantID) -> Bool {
        isAdministrator || owner.isShared || owner == tenant
    }

    /// Whether the caller may replace, alias or remove what belongs to `owner`.
    func mayChange(_ owner: TenantID) -> Bool {
        isAdministrator || owner == tenant
    }
}
