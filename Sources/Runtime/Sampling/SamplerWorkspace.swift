/// Memory for one sampler at work, made once: drawing a token allocates nothing.
package final class SamplerWorkspace {
    package let vocabulary: Int
    let row: UnsafeMutablePointer<Float>  // [vocabulary] edited logits, then weights
    let sums: UnsafeMutablePointer<Double>  // [vocabulary / LogitsRow.block] of the weights
    let scratch: UnsafeMutablePointer<Float>  // [vocabulary] weights that a filter looks at
    let keys: UnsafeMutablePointer<TopSelection.Key>  // [vocabulary]

    /// Bytes for each token of the vocabulary: its edited logit, its weight in a filter and its key.
    static let bytesPerToken = 16

    package init(vocabulary: Int) {
        precondition(vocabulary > 0, "a vocabulary has tokens")
        self.vocabulary = vocabulary
        row = .allocate(capacity: vocabulary)
        sums = .allocate(capacity: vocabulary / LogitsRow.block + 1)
        scratch = .allocate(capacity: vocabulary)
        keys = .allocate(capacity: vocabulary)
    }

    deinit {
        row.deallocate()
        sums.deallocate()
        scratch.deallocate()
        keys.deallocate()
    }
}
