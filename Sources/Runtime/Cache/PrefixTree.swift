/// Which full blocks hold which tokens after which prefix.
///
/// A node is a full block of tokens below a parent node; its parents spell the tokens before it.
/// Its key compares the tokens themselves, so two prefixes never meet by a collision of hashes.
/// Roots separate what must not be shared: another tenant, another set of adapters.
struct PrefixTree {
    /// The name of a node; never used twice.
    typealias NodeID = UInt64
    /// The tokens of one block.
    typealias Tokens = SIMD16<Int32>

    /// What has a tree of its own.
    ///
    /// The base needs no mention: an engine has one base and one pool.
    struct Namespace: Hashable {
        let salt: [UInt8]
        let adapters: [Adapter]
        let variant: [Int]

        struct Adapter: Hashable {
            let id: [UInt8]
            let scale: UInt32  // the bits: −0 and 0 may differ
        }
    }

    private struct Key: Hashable {
        let parent: NodeID
        let tokens: Tokens
    }

    private struct Node {
        let id: NodeID
        let block: Int32
    }

    private struct Root {
        let id: NodeID
        var users: Int
    }

    private var nodes: [Key: Node] = [:]
    private var keys: [Key?]  // [blocks] the key of the node that a block holds
    private var roots: [Namespace: Root] = [:]
    private var nextID: NodeID = 0

    init(blocks: Int) {
        keys = Array(repeating: nil, count: blocks)
        nodes.reserveCapacity(blocks)
    }

    /// The root of a namespace, kept while somebody uses it.
    mutating func openRoot(_ namespace: Namespace) -> NodeID {
        if let root = roots[namespace] {
            roots[namespace]?.users += 1
            return root.id
        }
        nextID += 1
        roots[namespace] = Root(id: nextID, users: 1)
        return nextID
    }

    /// The end of one use.
    ///
    /// Nodes below a root that nobody uses stay only while it is kept.
    mutating func closeRoot(_ namespace: Namespace) {
        guard let root = roots[namespace] else { return }
        roots[namespace]?.users -= 1
        // An empty tree need not be remembered. One with blocks is, until too many are.
        if root.users == 1, roots.count > Self.rememberedRoots {
            for (key, root) in roots where root.users == 0 { roots[key] = nil }
        }
    }

    /// Roots without users that are remembered for their cached blocks.
    private static let rememberedRoots = 4096

    /// The child of `parent` with these tokens.
    func child(of parent: NodeID, tokens: Tokens) -> (id: NodeID, block: Int32)? {
        nodes[Key(parent: parent, tokens: tokens)].map { ($0.id, $0.block) }
    }

    /// Makes `block` the child of `parent` with these tokens, which has none yet.
    mutating func insert(_ block: Int32, below parent: NodeID, tokens: Tokens) -> NodeID {
        let key = Key(parent: parent, tokens: tokens)
        nextID += 1
        nodes[key] = Node(id: nextID, block: block)
        keys[Int(block)] = key
        return nextID
    }

    /// Whether a block is a node.
    func holds(_ block: Int32) -> Bool {
        keys[Int(block)] != nil
    }

    /// Forgets the node of a block.
    mutating func remove(_ block: Int32) {
        guard let key = keys[Int(block)] else { return }
        nodes[key] = nil
        keys[Int(block)] = nil
    }
}
