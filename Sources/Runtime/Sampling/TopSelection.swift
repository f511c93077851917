/// The largest of many values without sorting them: a heap of as many as are wanted.
///
/// A value and its index are one key, so that equal values come lower index first, always.
struct TopSelection {
    /// A key that orders by value, then by lower index.
    typealias Key = UInt64

    /// Storage lent by the workspace; `count` of it are in use.
    let keys: UnsafeMutablePointer<Key>
    private(set) var count = 0

    init(storage: UnsafeMutablePointer<Key>) {
        keys = storage
    }

    /// The key of a value that is not NaN.
    static func key(_ value: Float, index: Int) -> Key {
        let bits = value.bitPattern
        let ordered = bits & 0x8000_0000 == 0 ? bits | 0x8000_0000 : ~bits
        return Key(ordered) << 32 | Key(~UInt32(truncatingIfNeeded: index))
    }

    /// The value of a key.
    static func value(_ key: Key) -> Float {
        let ordered = UInt32(truncatingIfNeeded: key >> 32)
        return Float(bitPattern: ordered & 0x8000_0000 == 0 ? ~ordered : ordered & 0x7FFF_FFFF)
    }

    /// The index of a key.
    static func index(_ key: Key) -> Int {
        Int(~UInt32(truncatingIfNeeded: key))
    }

    /// Leaves the `limit` largest values in `keys`, largest first.
    mutating func selectLargest(_ limit: Int, of values: UnsafePointer<Float>, count total: Int) {
        count = min(limit, total)
        guard count > 0 else { return }
        for index in 0..<count { keys[index] = Self.key(values[index], index: index) }
        for root in stride(from: count / 2 - 1, through: 0, by: -1) {
            siftDown(root, count: count)
        }
        var least = Self.value(keys[0])
        for index in count..<total where values[index] > least {
            keys[0] = Self.key(values[index], index: index)
            siftDown(0, count: count)
            least = Self.value(keys[0])
        }
        for end in stride(from: count - 1, to: 0, by: -1) {
            swap(&keys[0], &keys[end])
            siftDown(0, count: end)
        }
    }

    /// Moves a key down until none of its children is smaller: the smallest is on top.
    private func siftDown(_ start: Int, count: Int) {
        guard start < count else { return }
        var root = start
        let key = keys[root]
        while true {
            var child = 2 * root + 1
            guard child < count else { break }
            if child + 1 < count, keys[child] > keys[child + 1] { child += 1 }
            guard key > keys[child] else { break }
            keys[root] = keys[child]
            root = child
        }
        keys[root] = key
    }
}
