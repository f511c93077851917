/// A trie over bytes whose edges lie in one hash table, so that hundreds of thousands of tokens
/// take a few megabytes and a step is one look.
struct ByteTrie: Sendable {
    /// An edge packs its node, its byte and the node it leads to; 0 is no edge.
    private var edges: [UInt64]
    private var edgeCount = 0
    /// What ends at each node, or -1.
    private var values: [Int32] = [-1]

    private static let nodeBits: UInt64 = 28

    init() { edges = Array(repeating: 0, count: 64) }

    var isEmpty: Bool { values.count == 1 }

    /// Puts a value at the end of `key`, in place of one that is there.
    mutating func insert(_ key: some Sequence<UInt8>, value: Int32) {
        var node: Int32 = 0
        for byte in key {
            let child = step(from: node, by: byte)
            if child > 0 {
                node = child
            } else {
                let new = Int32(values.count)
                values.append(-1)
                add(Self.key(node, byte), to: new)
                node = new
            }
        }
        values[Int(node)] = value
    }

    /// The node behind an edge, or -1.
    @inline(__always)
    func step(from node: Int32, by byte: UInt8) -> Int32 {
        let key = Self.key(node, byte)
        let mask = edges.count &- 1
        var index = Int(truncatingIfNeeded: ByteHash.mix(key)) & mask
        while true {
            let edge = edges[index]
            if edge == 0 { return -1 }
            if edge >> Self.nodeBits == key { return Int32(edge & (1 << Self.nodeBits - 1)) }
            index = (index &+ 1) & mask
        }
    }

    /// What ends at a node, or -1.
    @inline(__always)
    func value(at node: Int32) -> Int32 { values[Int(node)] }

    private static func key(_ node: Int32, _ byte: UInt8) -> UInt64 {
        UInt64(UInt32(bitPattern: node)) << 8 | UInt64(byte)
    }

    private mutating func add(_ key: UInt64, to child: Int32) {
        if edgeCount * 2 >= edges.count {
            let old = edges
            edges = Array(repeating: 0, count: old.count * 2)
            for edge in old where edge != 0 { place(edge) }
        }
        place(key << Self.nodeBits | UInt64(child))
        edgeCount += 1
    }

    private mutating func place(_ edge: UInt64) {
        let mask = edges.count - 1
        var index = Int(truncatingIfNeeded: ByteHash.mix(edge >> Self.nodeBits)) & mask
        while edges[index] != 0 { index = (index + 1) & mask }
        edges[index] = edge
    }
}
