import CKernels

/// torch's AdamW update over flat arrays: decay, moments, bias correction, step.
public struct AdamW: Sendable, Hashable {
    /// Learning rate of this step.
    public var learningRate: Double
    /// Decay rates of the moments.
    public var beta1: Double, beta2: Double
    /// Added to the denominator after bias correction.
    public var eps: Double
    /// Decoupled weight decay.
    public var weightDecay: Double

    /// torch's defaults.
    public init(
        learningRate: Double,
        beta1: Double = 0.9,
        beta2: Double = 0.999,
        eps: Double = 1e-8,
        weightDecay: Double = 0
    ) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps
        self.weightDecay = weightDecay
    }

    /// Update number `step` (from 1) with `gradient` × `gradientScale`.
    public func update(
        step: Int,
        gradient: UnsafePointer<Float>,
        gradientScale: Float,
        count: Int,
        parameter: UnsafeMutablePointer<Float>,
        firstMoment: UnsafeMutablePointer<Float>,
        secondMoment: UnsafeMutablePointer<Float>
    ) {
        precondition(step >= 1, "the first update is step 1")
        var options = fk_adamw_options(
            learning_rate: learningRate,
            beta1: beta1,
            beta2: beta2,
            eps: eps,
            weight_decay: weightDecay,
            step: UInt64(step)
        )
        fk_adamw(&options, gradient, gradientScale, count, parameter, firstMoment, secondMoment)
    }
}
