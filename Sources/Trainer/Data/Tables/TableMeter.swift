/// What reading a table may take: memory held at once, bytes of one row, and bytes of all rows.
///
/// Encodings and compression let a few bytes stand for very many, so everything is counted before it
/// is made.
final class TableMeter {
    /// Bytes of pages, buffers and dictionaries held at once.
    static let memory = 256 << 20
    /// What a value costs beside its bytes.
    private static let perValue = 16
    /// Bytes that may come of any file, however small.
    private static let allowance = (decompressed: 64 << 20, values: 256 << 20)
    /// How many times its own size a file may become.
    private static let ratio = (decompressed: 100, values: 1000)
    private static let largest = 64 << 30

    private let limits: (decompressed: Int, values: Int)
    private let rowLimit: Int
    private var (held, decompressed, values) = (0, 0, 0)
    /// What the row has taken.
    private(set) var rowBytes = 0

    init(fileSize: Int, rowLimit: Int) {
        let size = min(fileSize, Self.largest)
        self.rowLimit = rowLimit
        limits = (
            max(Self.allowance.decompressed, min(size * Self.ratio.decompressed, Self.largest)),
            max(Self.allowance.values, min(size * Self.ratio.values, Self.largest))
        )
    }

    /// Counts memory that is about to be taken.
    func hold(_ bytes: Int) throws(TableError) {
        guard bytes >= 0, bytes <= Self.memory - held else {
            throw TableError(
                "reading it takes more than \(Self.memory >> 20) MB at once; write it with smaller "
                    + "pages, row groups or batches"
            )
        }
        held += bytes
    }

    /// Gives back what `hold` counted.
    func release(_ bytes: Int) { held -= bytes }

    /// Counts bytes that are about to be decompressed.
    func decompress(_ bytes: Int) throws(TableError) {
        guard bytes >= 0, bytes <= limits.decompressed - decompressed else {
            throw TableError("the data are more than \(Self.ratio.decompressed) times the file")
        }
        decompressed += bytes
    }

    /// Begins a row.
    func beginRow() { rowBytes = 0 }

    /// Counts a value of the row.
    func take(_ bytes: Int) throws(TableError) {
        let cost = bytes + Self.perValue
        guard cost <= rowLimit - rowBytes else {
            throw TableError("longer than \(rowLimit) bytes")
        }
        guard cost <= limits.values - values else {
            throw TableError("the rows are more than \(Self.ratio.values) times the file")
        }
        rowBytes += cost
        values += cost
    }

    /// Counts a value that stays, of a dictionary.
    func keep(_ bytes: Int) throws(TableError) -> Int {
        let cost = bytes + 2 * Self.perValue
        try hold(cost)
        return cost
    }
}
