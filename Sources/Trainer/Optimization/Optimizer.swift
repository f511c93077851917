import InferenceRuntime

/// One optimizer step: clip the gradient by its global norm, then AdamW.
///
/// Clipping is torch's `clip_grad_norm_`, min(1, max/(norm + 1e-6)); AdamW is torch's (Loshchilov
/// and Hutter, 2019); LoRA+ gives B its own learning rate, and DoRA's magnitudes the same one, as
/// PEFT's `create_loraplus_optimizer` and LLaMA-Factory do.
package struct Optimizer: Sendable {
    /// The largest global norm; 0 does not clip.
    let maximumNorm: Double
    /// AdamW's constants; the learning rate is that of each step.
    let adamW: AdamW
    /// The learning rate of B and of magnitudes over that of A.
    let loraPlusRatio: Double

    init(_ hyperparameters: Hyperparameters) {
        maximumNorm = hyperparameters.maxGradNorm
        adamW = AdamW(
            learningRate: 0,
            beta1: hyperparameters.adamBeta1,
            beta2: hyperparameters.adamBeta2,
            eps: hyperparameters.adamEpsilon,
            weightDecay: hyperparameters.weightDecay
        )
        loraPlusRatio = hyperparameters.loraPlusRatio ?? 1
    }

    /// The L2 norm over all gradients, summed in double precision in the order of memory.
    func norm(_ state: TrainingState) -> Double {
        Vector.sumOfSquares(
            UnsafePointer(state.gradients.tensors.values.baseAddress),
            count: state.layout.count
        ).squareRoot()
    }

    /// Updates every parameter.
    /// - Parameters:
    ///   - step: 1 for the first update.
    ///   - norm: What `norm` gave.
    func update(_ state: TrainingState, step: Int, learningRate: Double, norm: Double) {
        let clip = maximumNorm > 0 ? min(1, maximumNorm / (norm + 1e-6)) : 1
        func update(_ range: Range<Int>, _ adamW: AdamW) {
            adamW.update(
                step: step,
                gradient: state.gradients.tensors.values.baseAddress + range.lowerBound,
                gradientScale: Float(clip),
                count: range.count,
                parameter: state.parameters.values.baseAddress + range.lowerBound,
                firstMoment: state.firstMoments.values.baseAddress + range.lowerBound,
                secondMoment: state.secondMoments.values.baseAddress + range.lowerBound
            )
        }
        for entry in state.layout.entries {
            let groups = [
                (entry.a, learningRate),
                (entry.bTransposed, learningRate * loraPlusRatio),
                (entry.magnitude ?? 0..<0, learningRate * loraPlusRatio),
            ]
            for (range, rate) in groups where !range.isEmpty {
                var adamW = adamW
                adamW.learningRate = rate
                update(range, adamW)
            }
        }
        if let head = state.layout.scoreHead {
            var adamW = adamW
            adamW.learningRate = learningRate
            update(head.weight, adamW)
            // A bias does not decay, in transformers' trainer.
            adamW.weightDecay = 0
            update(head.bias, adamW)
        }
        state.parametersDidChange()
    }
}
