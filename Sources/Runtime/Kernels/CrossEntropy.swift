import CKernels

/// What to leave in the logits.
public enum LossGradient: Sendable {
    /// The logits as they are: evaluation.
    case none
    /// weight × scale × (softmax - onehot), zero for ignored rows.
    case inPlace(scale: Float)
}

/// Cross-entropy over rows of logits.
public enum CrossEntropy {
    /// Per row logsumexp - logit[target], and whether the target is the greatest logit.
    ///
    /// Targets below 0 (-100) or beyond the vocabulary are ignored: loss 0, not correct. `weights`
    /// scale the gradient per row, not the reported loss.
    public static func forwardBackward(
        _ logits: UnsafeMutablePointer<Float>,
        rows: Int,
        vocabulary: Int,
        stride: Int,
        targets: UnsafePointer<Int32>,
        weights: UnsafePointer<Float>?,
        gradient: LossGradient,
        loss: UnsafeMutablePointer<Float>,
        correct: UnsafeMutablePointer<UInt8>,
        _ context: ComputeContext
    ) {
        var (scale, wanted): (Float, Int32) = (0, 0)
        if case .inPlace(let factor) = gradient { (scale, wanted) = (factor, 1) }
        fk_cross_entropy(
            context.pool.pool,
            logits,
            rows,
            vocabulary,
            stride,
            targets,
            weights,
            scale,
            wanted,
            loss,
            correct
        )
    }
}

/// Helpers over one row of logits.
public enum Softmax {
    /// exp(x - logsumexp); may be in place.
    public static func apply(
        _ x: UnsafePointer<Float>,
        count: Int,
        into out: UnsafeMutablePointer<Float>
    ) {
        fk_softmax(x, count, out)
    }

    /// log Σ exp(x), without overflow.
    public static func logSumExp(_ x: UnsafePointer<Float>, count: Int) -> Float {
        fk_logsumexp(x, count)
    }
}
