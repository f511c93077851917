/// A matrix that is stored in a form of its own and read as fp32, row by row.
public protocol RowSource: Sendable {
    /// Shape; a vector has one column.
    var rows: Int { get }
    /// Shape.
    var columns: Int { get }
    /// What is stored, for the identity of the weights.
    var storedBytes: [UnsafeRawBufferPointer] { get }
    /// Keeps what is stored.
    var owner: any AnyObject & Sendable { get }

    /// Writes `columns` numbers.
    /// - Parameter row: From 0 to `rows` - 1.
    func decode(row: Int, into out: UnsafeMutablePointer<Float>)
}

extension RowSource {
    /// Hands all rows as one row-major fp32 matrix to `body`; the memory is gone afterwards.
    func decoded<Result, Failure: Error>(
        _ pool: ThreadPool,
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let memory = decoded(pool)
        return try body(memory.numbers.bytes)
    }

    /// All rows as one row-major fp32 matrix.
    func decoded(_ pool: ThreadPool) -> FloatMemory {
        let memory = FloatMemory(count: rows * columns)
        let (rows, columns, base) = (rows, columns, memory.numbers.baseAddress)
        let piece = 64
        pool.parallel((rows + piece - 1) / piece) { index in
            for row in index * piece..<min(rows, (index + 1) * piece) {
                decode(row: row, into: base + row * columns)
            }
        }
        return memory
    }
}

/// fp32 numbers in memory of their own.
///
/// Immutable: written before it is shared.
final class FloatMemory: @unchecked Sendable {
    let numbers: AlignedBuffer<Float>

    init(count: Int) { numbers = AlignedBuffer(count: count) }
}
