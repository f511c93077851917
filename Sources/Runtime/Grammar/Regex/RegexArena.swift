/// A regular expression's number in its arena.
typealias RegexID = Int32

/// Regular expressions over bytes, each different one stored once, with complement and intersection.
///
/// They are never turned into an automaton as a whole: `derivative` gives what is left of an
/// expression after one byte (Brzozowski 1964), and equal remainders are equal numbers. So an
/// automaton's states come into being as a text meets them.
final class RegexArena {
    enum Kind: UInt8 {
        case empty, epsilon, set, literal, concatenation, union, intersection, complement,
            repetition
        /// The rest of a JSON string, closing quote included, whose content is not in a trie.
        case excluding
        /// Decimal digits whose number has a remainder; see `DecimalMultiples`.
        case multiples
    }

    struct Node {
        var kind: Kind
        var isNullable: Bool
        /// Whether complement or intersection is below: only then may a node other than `empty`
        /// have an empty language.
        var isBoolean: Bool
        var a: Int32
        var b: Int32
        var c: Int32
    }

    static let empty: RegexID = 0
    static let epsilon: RegexID = 1
    /// Every string of bytes.
    static let anything: RegexID = 2

    /// Nodes one grammar may need at most; some tens of bytes each.
    let nodeLimit: Int
    /// Steps that one operation may still take, so that none runs away.
    var fuel = RegexArena.fuelPerOperation
    private static let fuelPerOperation = 2_000_000
    /// Set once a limit was met; what was computed after is not to be used.
    private(set) var isExhausted = false

    private(set) var nodes: [Node] = []
    private var table = InternTable()
    private(set) var sets: [ByteSet] = []
    private var setIDs: [ByteSet: Int32] = [:]
    private(set) var bytes: [UInt8] = []
    private(set) var lists: [Int32] = []
    var tries = ExclusionTries()
    var divisors: [DecimalMultiples] = []
    /// Nodes that match one scalar, any that JSON writes plainly among them.
    var textScalars: Set<RegexID> = []
    var scalarSets: [ScalarSetKey: RegexID] = [:]
    /// Whether a node with complement or intersection matches anything, where that is known.
    var liveness: [RegexID: Bool] = [:]
    private var marked = (nodes: 0, lists: 0)

    /// About how many bytes its expressions take.
    var heldBytes: Int {
        nodes.count * (MemoryLayout<Node>.stride + 16) + lists.count * 4 + bytes.count
            + sets.count * MemoryLayout<ByteSet>.stride
    }

    init(nodeLimit: Int = 600_000) {
        self.nodeLimit = nodeLimit
        append(.init(kind: .empty, isNullable: false, isBoolean: false, a: 0, b: 0, c: 0))
        append(.init(kind: .epsilon, isNullable: true, isBoolean: false, a: 0, b: 0, c: 0))
        append(
            .init(kind: .complement, isNullable: true, isBoolean: true, a: Self.empty, b: 0, c: 0)
        )
        liveness[Self.anything] = true
    }

    private func append(_ node: Node) {
        nodes.append(node)
        let id = Int32(truncatingIfNeeded: nodes.count - 1)
        table.insert(id, hash: hash(node))
    }

    @inline(__always)
    func isNullable(_ id: RegexID) -> Bool { nodes[Int(id)].isNullable }

    /// Notes that a limit was met.
    func exhaust() { isExhausted = true }

    /// Forgets that a limit was met, before the next operation.
    func refuel() {
        fuel = Self.fuelPerOperation
        isExhausted = false
    }

    /// Remembers what has been built, for `forget`.
    func mark() {
        marked = (nodes.count, lists.count)
    }

    /// Forgets every expression that was made after `mark`.
    func forget() {
        guard marked.nodes > 0 else { return }
        nodes.removeLast(nodes.count - marked.nodes)
        lists.removeLast(lists.count - marked.lists)
        liveness = [Self.anything: true]
        table = InternTable()
        for index in nodes.indices {
            table.insert(Int32(truncatingIfNeeded: index), hash: hash(nodes[index]))
        }
    }

    /// Counts work; `false` where there was too much of it.
    @inline(__always)
    func burn(_ steps: Int) -> Bool {
        fuel &-= steps
        if fuel < 0 { isExhausted = true }
        return !isExhausted
    }
}

// MARK: - Interning

extension RegexArena {
    func intern(_ node: Node) -> RegexID {
        let hash = hash(node)
        if let id = table.find(hash: hash, { isSame(nodes[Int($0)], node) }) { return id }
        guard nodes.count < nodeLimit else {
            isExhausted = true
            return Self.empty
        }
        nodes.append(node)
        let id = Int32(truncatingIfNeeded: nodes.count - 1)
        table.insert(id, hash: hash)
        return id
    }

    /// Interns a union or intersection of the sorted children.
    func intern(_ kind: Kind, _ children: [RegexID], isNullable: Bool, isBoolean: Bool) -> RegexID {
        let start = lists.count
        lists.append(contentsOf: children)
        let id = intern(
            Node(
                kind: kind,
                isNullable: isNullable,
                isBoolean: isBoolean,
                a: Int32(truncatingIfNeeded: start),
                b: Int32(truncatingIfNeeded: children.count),
                c: 0
            )
        )
        if nodes[Int(id)].a != Int32(truncatingIfNeeded: start) || nodes[Int(id)].kind != kind {
            lists.removeLast(lists.count - start)
        }
        return id
    }

    func intern(_ set: ByteSet) -> Int32 {
        if let id = setIDs[set] { return id }
        let id = Int32(truncatingIfNeeded: sets.count)
        sets.append(set)
        setIDs[set] = id
        return id
    }

    /// Appends to the bytes that literals refer to; returns where they begin.
    func store(_ text: some Sequence<UInt8>) -> Int {
        let start = bytes.count
        bytes.append(contentsOf: text)
        return start
    }

    /// The children of a union or intersection.
    func children(_ id: RegexID) -> ArraySlice<RegexID> {
        let node = nodes[Int(id)]
        return lists[Int(node.a)..<Int(node.a + node.b)]
    }

    private func hash(_ node: Node) -> UInt32 {
        var hash: UInt64 = UInt64(node.kind.rawValue) &* 0x9E37_79B9_7F4A_7C15
        func mix(_ value: Int32) {
            hash = (hash ^ UInt64(UInt32(bitPattern: value))) &* 0xFF51_AFD7_ED55_8CCD
            hash ^= hash >> 32
        }
        switch node.kind {
        case .union, .intersection:
            for index in Int(node.a)..<Int(node.a + node.b) { mix(lists[index]) }
        default:
            mix(node.a)
            mix(node.b)
            mix(node.c)
        }
        return UInt32(truncatingIfNeeded: hash)
    }

    private func isSame(_ left: Node, _ right: Node) -> Bool {
        guard left.kind == right.kind, left.b == right.b else { return false }
        guard left.kind == .union || left.kind == .intersection else {
            return left.a == right.a && left.c == right.c
        }
        if left.a == right.a { return true }
        for index in 0..<Int(left.b)
        where lists[Int(left.a) + index] != lists[Int(right.a) + index] {
            return false
        }
        return true
    }
}

/// What a set of scalars becomes depends on how scalars are written.
struct ScalarSetKey: Hashable {
    let set: ScalarSet
    let encoding: TextEncoding
}

/// How a regular expression's scalars become bytes.
enum TextEncoding: Hashable, Sendable {
    /// As UTF-8.
    case plain
    /// As in a JSON string: what must be escaped is, in its usual spelling, and nothing else.
    case json
}
