/// `ORG/NAME@revision`: a repository on the hub at a branch, tag or commit.
public struct HubReference: Sendable, Hashable, CustomStringConvertible {
    /// `ORG/NAME`, or `NAME` for the few without an owner.
    public let repository: String
    /// A branch, tag or commit; the hub's usual one where none was given.
    public let revision: String
    /// Where it is.
    public let source: HubSource

    /// Parses `ORG/NAME` or `ORG/NAME@revision`.
    public init(_ text: String, on source: HubSource = HubSource()) throws(HubError) {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let repository = String(parts[0])
        let revision = parts.count > 1 ? String(parts[1]) : source.hub.branch
        let names = repository.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(names.count), names.allSatisfy({ Self.isName(String($0)) }),
            !revision.isEmpty,
            revision.split(separator: "/", omittingEmptySubsequences: false)
                .allSatisfy({ Self.isName(String($0)) })
        else { throw .malformedReference(text) }
        self.repository = repository
        self.revision = revision
        self.source = source
    }

    /// The reference as it is typed.
    public var description: String {
        revision == source.hub.branch ? repository : "\(repository)@\(revision)"
    }

    /// The last component, by which the model is known.
    public var name: String { String(repository.split(separator: "/").last ?? "") }

    /// Letters, digits, `.`, `_` and `-`, and not a name with a meaning to the file system.
    private static func isName(_ name: String) -> Bool {
        let allowed = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        return allowed && (1...96).contains(name.utf8.count) && !name.hasPrefix(".")
            && !name.utf8.elementsEqual("..".utf8)
    }
}
