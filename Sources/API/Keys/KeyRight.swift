/// What a key lets its holder do.
public enum KeyRight: String, Sendable, Hashable, CaseIterable {
    /// Ask for answers, read models.
    case infer
    /// Files, jobs, loading and removing the tenant's adapters.
    case train
    /// Everything, for all tenants.
    case admin
}

extension KeyRight {
    /// What a key has that was made without naming rights.
    public static let standard: Set<KeyRight> = [.infer, .train]

    /// Reads a list such as `infer,train`.
    public static func list(parsing text: String) throws(KeyFileError) -> Set<KeyRight> {
        var rights: Set<KeyRight> = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let right = KeyRight(rawValue: String(word.filter { $0 != " " })) else {
                let known = allCases.map(\.rawValue).joined(separator: ", ")
                throw .invalidArgument("'\(word)' is no right; rights are \(known)")
            }
            rights.insert(right)
        }
        return rights
    }

    /// The words of a set, in the order of the declaration.
    static func words(_ rights: Set<KeyRight>) -> [String] {
        allCases.filter(rights.contains).map(\.rawValue)
    }
}
