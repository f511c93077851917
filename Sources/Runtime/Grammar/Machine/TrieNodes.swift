/// A trie in preorder: a node's subtree lies right behind it.
// Immutable: nothing is written after the initializer.
final class TrieNodes: @unchecked Sendable {
    struct Node {
        /// The token that ends here; -1 for none, less for one of several: see `shared`.
        var token: Int32
        /// The node behind the subtree.
        var next: Int32
        var parent: Int32
        var byte: UInt8
        var depth: UInt16
    }

    let count: Int
    let nodes: UnsafeMutablePointer<Node>
    /// Tokens of equal bytes, where there are several.
    let shared: [[Int32]]
    /// The deepest node's depth.
    let depth: Int

    /// Arranges tokens that are in the order of their bytes.
    init(_ sorted: [Int32], _ pieces: [UInt8], _ starts: [Int32]) {
        var nodes = [Node(token: -1, next: 0, parent: 0, byte: 0, depth: 0)]
        nodes.reserveCapacity(sorted.count * 2)
        var shared: [[Int32]] = []
        var path: [Int32] = [0]
        var previous: ArraySlice<UInt8> = []
        for id in sorted {
            let piece = pieces[Int(starts[Int(id)])..<Int(starts[Int(id) + 1])]
            var common = 0
            while common < previous.count, common < piece.count,
                previous[previous.startIndex + common] == piece[piece.startIndex + common]
            {
                common += 1
            }
            while path.count > common + 1 {
                nodes[Int(path.removeLast())].next = Int32(nodes.count)
            }
            for offset in common..<piece.count {
                let index = Int32(nodes.count)
                nodes.append(
                    Node(
                        token: -1,
                        next: 0,
                        parent: path[path.count - 1],
                        byte: piece[piece.startIndex + offset],
                        depth: UInt16(truncatingIfNeeded: offset + 1)
                    )
                )
                path.append(index)
            }
            let last = Int(path[path.count - 1])
            switch nodes[last].token {
            case -1: nodes[last].token = id
            case 0...:
                shared.append([nodes[last].token, id])
                nodes[last].token = -1 - Int32(shared.count)
            default: shared[Int(-2 - nodes[last].token)].append(id)
            }
            previous = piece
        }
        while let index = path.popLast() { nodes[Int(index)].next = Int32(nodes.count) }
        count = nodes.count
        depth = nodes.reduce(0) { max($0, Int($1.depth)) }
        self.shared = shared
        self.nodes = .allocate(capacity: nodes.count)
        self.nodes.initialize(from: nodes, count: nodes.count)
    }

    deinit { nodes.deallocate() }

    /// Sets the bits of the tokens that end at a node.
    @inline(__always)
    func setBits(_ token: Int32, _ mask: UnsafeMutablePointer<UInt64>) {
        if token >= 0 {
            mask[Int(token) >> 6] |= 1 << UInt64(token & 63)
        } else if token < -1 {
            for id in shared[Int(-2 - token)] { mask[Int(id) >> 6] |= 1 << UInt64(id & 63) }
        }
    }

    /// The longest token that bytes begin with, and how many it takes.
    func longest(_ bytes: ArraySlice<UInt8>) -> (token: Int32, length: Int)? {
        var found: (token: Int32, length: Int)?
        var parent: Int32 = 0
        for (length, byte) in bytes.enumerated() {
            var child = parent + 1
            let end = nodes[Int(parent)].next
            while child < end, nodes[Int(child)].byte != byte { child = nodes[Int(child)].next }
            guard child < end else { break }
            let token = nodes[Int(child)].token
            if token != -1 {
                found = (token >= 0 ? token : shared[Int(-2 - token)][0], length + 1)
            }
            parent = child
        }
        return found
    }

    /// The bytes from the root to a node.
    func path(to node: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var node = node
        while node > 0 {
            bytes.append(nodes[Int(node)].byte)
            node = nodes[Int(node)].parent
        }
        return bytes.reversed()
    }
}
