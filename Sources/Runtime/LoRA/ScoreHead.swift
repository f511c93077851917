/// What makes an adapter a reward model: r = w · h + b of the final normed hidden state of a
/// conversation's last token.
///
/// Immutable: pointers into memory that the adapter keeps.
public struct ScoreHead: @unchecked Sendable {
    /// Numbers of a hidden state.
    public let inputs: Int
    /// w [inputs].
    public let weight: UnsafePointer<Float>
    /// b [1].
    public let bias: UnsafePointer<Float>

    /// r of a hidden state [inputs].
    ///
    /// Summed in double precision in the order of memory: the bits depend on nothing else.
    func score(_ hidden: UnsafePointer<Float>) -> Float {
        var sum = Double(bias[0])
        for index in 0..<inputs { sum += Double(weight[index]) * Double(hidden[index]) }
        return Float(sum)
    }
}

extension LoRAAdapter {
    /// r of a final normed hidden state.
    /// - Returns: `nil` where the adapter has no score head, or the state is of another model.
    public func score(_ hidden: [Float]) -> Float? {
        guard let scoreHead, hidden.count == scoreHead.inputs else { return nil }
        return hidden.withUnsafeBufferPointer { $0.baseAddress.map(scoreHead.score) }
    }
}

/// `value_head.safetensors`: the score head beside an adapter's files, as TRL's value head is named
/// and LLaMA-Factory stores it.
public enum ScoreHeadFile {
    /// The file's name.
    public static let name = "value_head.safetensors"
    /// w [1, hidden].
    public static let weight = "v_head.summary.weight"
    /// b [1].
    public static let bias = "v_head.summary.bias"
}

/// The tensors of a score head, checked to fit a base.
struct ScoreHeadTensors {
    let weight: Tensor
    /// Heads of sequence classifiers have none.
    let bias: Tensor?

    /// Takes the head of LLaMA-Factory's file, or the one that PEFT keeps for a sequence classifier of
    /// one label.
    /// - Returns: `nil` where there is neither.
    init?(
        file: SafetensorsFile?,
        classifier: Tensor?,
        hidden: Int
    ) throws(AdapterError) {
        guard let file else {
            guard let classifier else { return nil }
            try classifier.checkNumbers([1, hidden])
            (weight, bias) = (classifier, nil)
            return
        }
        if let classifier {
            throw .invalidNumbers(
                tensor: classifier.name,
                reason: "is a second score head beside \(ScoreHeadFile.name)"
            )
        }
        let known = [ScoreHeadFile.weight, ScoreHeadFile.bias]
        if let stranger = file.tensors.first(where: { !known.contains($0.name) }) {
            throw .unknownTensor(stranger.name)
        }
        guard let weight = file[ScoreHeadFile.weight] else {
            throw .missingTensor(ScoreHeadFile.weight)
        }
        guard let bias = file[ScoreHeadFile.bias] else { throw .missingTensor(ScoreHeadFile.bias) }
        try weight.checkNumbers([1, hidden])
        try bias.checkNumbers([1])
        (self.weight, self.bias) = (weight, bias)
    }
}
