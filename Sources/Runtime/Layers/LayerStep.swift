/// What all layers of one pass share: the rows, who answers them, and where to compute.
struct LayerStep {
    /// Rows of the batch, or of one expert.
    var rows: Int
    /// Adapters of the rows.
    var segments: [LoRASegment]
    /// Dropout before A, in training.
    var dropout: LoRADropout?
    let sequences: UnsafeBufferPointer<AttentionSequence>
    let cache: KVBlockPool
    let workspace: Workspace
    let context: ComputeContext
    /// Lets others compute between two pieces of a product, in training.
    var pause: Pause?
}

/// What a backward pass adds to a step.
struct BackwardStep {
    var step: LayerStep
    let workspace: BackwardWorkspace
    /// Where the gradients of adapters in training go.
    let gradients: [LoRAGradients]

    func gradients(of adapter: LoRAAdapter) -> LoRAGradients? {
        gradients.first { $0.adapter === adapter }
    }
}
