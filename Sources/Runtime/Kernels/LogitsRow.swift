import CKernels

/// One row of logits, `[vocabulary]`, and the passes over it that drawing a token takes.
///
/// All sums run in one fixed order, so that a row gives the same bits wherever it lies.
package struct LogitsRow {
    /// The logits.
    package let base: UnsafePointer<Float>
    /// How many.
    package let count: Int

    /// A row that somebody else keeps.
    package init(base: UnsafePointer<Float>, count: Int) {
        self.base = base
        self.count = count
    }

    /// The largest logit, or `nil` where there is none to speak of: a NaN, +∞, or nothing
    /// above −∞.
    package func greatest() -> Float? {
        var greatest: Float = 0
        return fk_row_greatest(base, count, &greatest) != 0 ? greatest : nil
    }

    /// The first index that holds `value`.
    package func firstIndex(of value: Float) -> Int {
        fk_row_find(base, count, value)
    }

    /// Σ exp(logit − greatest).
    package func expSum(greatest: Float) -> Double {
        fk_row_exp_sum(base, count, greatest)
    }

    /// Writes exp((logit − greatest) · inverseTemperature), 0 for what is below `floor`, to
    /// `weights` (which may be this row), and the sum of every block of them to `sums`.
    ///
    /// Returns the sum of all.
    package func writeWeights(
        _ weights: UnsafeMutablePointer<Float>,
        sums: UnsafeMutablePointer<Double>,
        greatest: Float,
        inverseTemperature: Float,
        floor: Float
    ) -> Double {
        fk_row_weights(base, count, greatest, inverseTemperature, floor, weights, sums)
    }

    /// Elements whose sum is kept together: what a draw skips at once.
    package static let block = Int(FK_ROW_BLOCK)
}

/// The weights of a row, `[vocabulary]`, while filters drop some of them.
package struct WeightRow {
    /// The weights; not negative.
    package let base: UnsafeMutablePointer<Float>
    /// How many.
    package let count: Int
    /// The sum of every block of them.
    package let sums: UnsafeMutablePointer<Double>
    /// Room for as many numbers.
    package let scratch: UnsafeMutablePointer<Float>
    /// The sum of all.
    package private(set) var total: Double

    /// Weights that somebody else keeps, and their sums.
    package init(
        base: UnsafeMutablePointer<Float>,
        count: Int,
        sums: UnsafeMutablePointer<Double>,
        scratch: UnsafeMutablePointer<Float>,
        total: Double
    ) {
        self.scratch = scratch
        self.base = base
        self.count = count
        self.sums = sums
        self.total = total
    }

    /// Keeps the `limit` largest, the lower index first among equals.
    package mutating func keepLargest(_ limit: Int) {
        let cut = fk_row_cut_count(base, count, max(1, limit), scratch)
        total = fk_row_keep(base, count, cut, sums)
    }

    /// Keeps the fewest largest that have a share of the sum, at least one.
    package mutating func keepLargest(share: Float) {
        let cut = fk_row_cut_mass(base, count, total, Double(share) * total, scratch)
        total = fk_row_keep(base, count, cut, sums)
    }

    /// The index at which the weights, in order, pass a share of their sum.
    package func index(atShare share: Double) -> Int {
        fk_row_draw(base, count, sums, share * total)
    }
}
