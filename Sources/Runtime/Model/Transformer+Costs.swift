extension Transformer {
    /// Weights that a token is multiplied with: of the linear layers, without the head.
    ///
    /// Of a mixture of experts, those that answer one token.
    public var activeWeights: Int { active { $0.inputs * $0.outputs } }

    /// Bytes of them, as the kernels read them.
    public var activeWeightBytes: Int {
        active { base.bytes(rows: $0.outputs, columns: $0.inputs) }
    }

    /// Weights of the head.
    public var headWeights: Int { architecture.hiddenSize * architecture.vocabularySize }

    /// Bytes of the head, as the kernels read it.
    public var headBytes: Int {
        guard case .dense(let matrix) = head.weight else { return 0 }
        return matrix.addedBytes > 0 ? matrix.addedBytes : headWeights * matrix.format.width
    }

    private func active(_ measure: (LinearModule) -> Int) -> Int {
        let modules = architecture.linearModules
        let dense = modules.lazy.filter { $0.expert == nil }.map(measure).reduce(0, +)
        guard let experts = architecture.experts else { return dense }
        let sparse = modules.lazy.filter { $0.expert != nil }.map(measure).reduce(0, +)
        return dense + sparse / experts.count * experts.perToken
    }
}
