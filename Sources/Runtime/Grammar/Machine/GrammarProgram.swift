/// A context-free grammar over regular expressions, as a recursive transition network.
///
/// A rule is a small automaton; its edges are terminals (regular expressions that take at least one
/// byte), rules, or nothing. Nodes of objects whose members come in any order are made as texts meet
/// them.
final class GrammarProgram {
    enum Symbol: Equatable {
        case nothing
        case terminal(Int32)
        case rule(Int32)
    }

    struct Edge {
        var symbol: Symbol
        var target: Int32
    }

    /// Judges a finished part of the text, beside what the automaton holds to.
    typealias Check = (ArraySlice<UInt8>) -> Bool

    let arena: RegexArena
    var terminals: [RegexID] = []
    /// Edges of each node.
    var edges: [[Edge]] = []
    /// The rule that each node belongs to.
    var ruleOfNode: [Int32] = []
    var isFinal: [Bool] = []
    /// The first node of each rule.
    var starts: [Int32] = []
    /// Whether each rule may be empty.
    var isNullable: [Bool] = []
    /// The check of each rule, as an index into `checks`, or -1.
    var checkOfRule: [Int32] = []
    var checks: [Check] = []
    var root: Int32 = 0
    /// Whether any text matches each rule.
    var isProductive: [Bool] = []
    /// Objects whose nodes are made when they are met.
    var objects: [UnorderedObject] = []
    /// Nodes whose edges are not made yet: the object and its place.
    private var pending: [Int32: (object: Int, place: UnorderedObject.Place)] = [:]
    private var marked: (nodes: Int, pending: [Int32: (object: Int, place: UnorderedObject.Place)])?

    init(arena: RegexArena) { self.arena = arena }

    /// About how many bytes it takes.
    var heldBytes: Int { edges.count * 64 + arena.heldBytes }

    /// The edges of a node.
    func edges(of node: Int32) -> [Edge] {
        if !pending.isEmpty, let (object, place) = pending.removeValue(forKey: node) {
            edges[Int(node)] = objects[object].edges(at: place, in: self, object)
        }
        return edges[Int(node)]
    }

    /// Adds a node whose edges are made when it is met.
    func addPending(_ place: UnorderedObject.Place, of object: Int, rule: Int32) -> Int32 {
        let node = Int32(clamping: edges.count)
        edges.append([])
        ruleOfNode.append(rule)
        isFinal.append(false)
        pending[node] = (object, place)
        return node
    }

    /// Adds an object behind its brace.
    ///
    /// Until it is met, `start` has edges that tell whether there is any such object.
    func addObject(_ object: UnorderedObject, start: Int32) {
        pending[start] = (objects.count, object.first)
        objects.append(object)
    }

    /// Whether texts have met so many nodes that it is time to begin anew.
    var isFull: Bool { edges.count > (marked?.nodes ?? 0) + 200_000 }

    /// Remembers what has been built, for `forget`.
    func mark() { marked = (edges.count, pending) }

    /// Forgets the nodes that texts have met.
    func forget() {
        guard let marked else { return }
        edges.removeLast(edges.count - marked.nodes)
        ruleOfNode.removeLast(ruleOfNode.count - marked.nodes)
        isFinal.removeLast(isFinal.count - marked.nodes)
        for (node, _) in marked.pending { edges[Int(node)] = [] }
        pending = marked.pending
        for object in objects { object.forget() }
    }
}
