/// The members of a JSON object, in the order they were written, duplicates included.
///
/// Finding, changing and adding a member takes constant time, however many there are; removing one
/// takes time linear in their number.
public struct JSONObject: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    /// Every member as written.
    public private(set) var members: [(key: String, value: JSONValue)]
    /// Where the last member of each key is; `nil` while there are so few that looking at each is
    /// quicker.
    private var places: [MemberKey: Int]?

    /// Objects with more members than this have an index.
    private static let unindexed = 12

    /// A key by its UTF-8 bytes: Swift's `==` would join canonically equivalent ones.
    private struct MemberKey: Hashable {
        var text: String

        static func == (left: MemberKey, right: MemberKey) -> Bool {
            left.text.utf8.elementsEqual(right.text.utf8)
        }

        func hash(into hasher: inout Hasher) {
            var text = text
            text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        }
    }

    /// Makes an object with the given members, in order.
    public init(_ members: [(key: String, value: JSONValue)] = []) {
        self.members = members
        index()
    }

    /// Makes an object from a literal, in order.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(elements.map { (key: $0.0, value: $0.1) })
    }

    /// The value of `key`; the last one where it was written more than once, as Python reads it.
    ///
    /// Keys are compared scalar by scalar.
    public subscript(key: String) -> JSONValue? {
        get { place(of: key).map { members[$0].value } }
        set {
            switch (place(of: key), newValue) {
            case (let place?, let value?): members[place].value = value
            case (let place?, nil):
                members.remove(at: place)
                index()
            case (nil, let value?): append(key, value)
            case (nil, nil): break
            }
        }
    }

    private func place(of key: String) -> Int? {
        if let places { return places[MemberKey(text: key)] }
        return members.lastIndex { $0.key.utf8.elementsEqual(key.utf8) }
    }

    private mutating func append(_ key: String, _ value: JSONValue) {
        members.append((key: key, value: value))
        if places != nil {
            places?[MemberKey(text: key)] = members.count - 1
        } else {
            index()
        }
    }

    private mutating func index() {
        guard members.count > Self.unindexed else {
            places = nil
            return
        }
        var places: [MemberKey: Int] = [:]
        places.reserveCapacity(members.count)
        for (place, member) in members.enumerated() { places[MemberKey(text: member.key)] = place }
        self.places = places
    }

    /// The first key that was written twice, or `nil`.
    public var firstDuplicateKey: String? {
        guard places?.count != members.count else { return nil }
        var seen = Set<MemberKey>()
        return members.first { !seen.insert(MemberKey(text: $0.key)).inserted }?.key
    }

    /// Members compare in order, keys scalar by scalar.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.members.elementsEqual(right.members) {
            $0.key.utf8.elementsEqual($1.key.utf8) && $0.value == $1.value
        }
    }

    /// Hashes the members in order.
    public func hash(into hasher: inout Hasher) {
        for (key, value) in members {
            hasher.combine(key)
            hasher.combine(value)
        }
    }
}
