/// Rows of a batch that are answered through the same adapters.
public struct LoRASegment: Sendable {
    /// The rows.
    public var rows: Range<Int>
    /// Their adapters; never empty.
    public var mix: AdapterMix

    /// Rows and their adapters.
    public init(rows: Range<Int>, mix: AdapterMix) {
        self.rows = rows
        self.mix = mix
    }
}
