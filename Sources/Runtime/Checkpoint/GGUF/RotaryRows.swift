/// The two orders of the rows of q and k.
public enum RotaryRows {
    /// Row r of the result is row `order[r]` of the source: halves → neighbouring pairs.
    ///
    /// `nil` where the rows do not make `heads` heads of even size.
    public static func toPairs(rows: Int, heads: Int) -> [Int]? {
        guard heads > 0, rows % (2 * heads) == 0 else { return nil }
        let size = rows / heads
        return (0..<rows).map { row in
            let (head, place) = (row / size, row % size)
            return head * size + place / 2 + (place % 2) * (size / 2)
        }
    }

    /// The way back.
    public static func toHalves(rows: Int, heads: Int) -> [Int]? {
        guard let order = toPairs(rows: rows, heads: heads) else { return nil }
        var inverse = [Int](repeating: 0, count: rows)
        for (row, source) in order.enumerated() { inverse[source] = row }
        return inverse
    }

    /// Rows of `width` bytes in another order.
    public static func reorder(_ bytes: [UInt8], width: Int, order: [Int]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: order.count * width) { target, count in
            for (row, source) in order.enumerated() {
                for byte in 0..<width { target[row * width + byte] = bytes[source * width + byte] }
            }
            count = order.count * width
        }
    }

    /// The transpose of a matrix of elements of `width` bytes.
    public static func transpose(
        _ bytes: [UInt8],
        rows: Int,
        columns: Int,
        width: Int
    ) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: bytes.count)
        for row in 0..<rows {
            for column in 0..<columns {
                let source = (row * columns + column) * width
                let target = (column * rows + row) * width
                for byte in 0..<width { result[target + byte] = bytes[source + byte] }
            }
        }
        return result
    }
}
