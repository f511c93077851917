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
