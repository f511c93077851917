/// Where the tensors of an adapter in training lie in one flat range of numbers.
public struct LoRALayout: Sendable, Hashable {
    /// One layer's tensors.
    public struct Entry: Sendable, Hashable {
        /// The layer.
        public let module: LinearModule
        /// Rank.
        public let rank: Int
        /// alpha / rank.
        public let scale: Float
        /// A [rank, inputs].
        public let a: Range<Int>
        /// B transposed [rank, outputs].
        public let bTransposed: Range<Int>
        /// DoRA's magnitudes [outputs].
        public let magnitude: Range<Int>?
    }

    /// The tensors of a score head.
    public struct ScoreHeadEntry: Sendable, Hashable {
        /// w [hidden].
        public let weight: Range<Int>
        /// b [1].
        public let bias: Range<Int>
    }

    /// The layers, first block first.
    public let entries: [Entry]
    /// The score head, behind the layers; `nil` where the adapter has none.
    public let scoreHead: ScoreHeadEntry?
    /// Numbers in all.
    public let count: Int

    /// A layout for the modules a configuration targets.
    /// - Parameter hasScoreHead: Whether a score head is trained with them.
    /// - Throws: `AdapterError` naming what cannot be trained.
    public init(
        _ configuration: LoRAConfiguration,
        for architecture: Architecture,
        hasScoreHead: Bool = false
    ) throws(AdapterError) {
        var entries: [Entry] = []
        var end = 0
        func take(_ count: Int) -> Range<Int> {
            defer { end += (count + 15) / 16 * 16 }
            return end..<end + count
        }
        try configuration.refuseUnknownNames(architecture)
        let matcher = try configuration.matcher()
        let modules = try configuration.targetedModules(architecture, matcher)
        try configuration.refuseUntrainable(modules, architecture)
        for module in modules {
            let rank = try matcher.rank(of: module)
            entries.append(
                Entry(
                    module: module,
                    rank: rank,
                    scale: try matcher.scale(of: module, rank: rank),
                    a: take(rank * module.inputs),
                    bTransposed: take(rank * module.outputs),
                    magnitude: configuration.usesDoRA ? take(module.outputs) : nil
                )
            )
        }
        self.entries = entries
        scoreHead =
            hasScoreHead
            ? ScoreHeadEntry(weight: take(architecture.hiddenSize), bias: take(1)) : nil
        count = end
    }
}

extension LoRAConfiguration {
    /// What a layout has no place for: trained without it, an adapter would become another one.
    fileprivate func refuseUntrainable(
        _ modules: [LinearModule],
        _ architecture: Architecture
    ) throws(AdapterError) {
        if modules.contains(where: { $0.layer == nil }) { throw .cannotTrain("the output head") }
        if try targetsEmbedding(architecture) { throw .cannotTrain("the token embedding") }
        if !modulesToSave.isEmpty { throw .cannotTrain("whole modules (modules_to_save)") }
        let matcher = try matcher()
        if modules.contains(where: matcher.isTargetedAsParameter) {
            throw .cannotTrain("an adapter of stacked experts (target_parameters)")
        }
        if hasLoRABias { throw .cannotTrain("an adapter with biases of B (lora_bias)") }
        let biased: [LinearModule] =
            switch bias {
            case .none: []
            case .loraOnly: modules
            case .all: architecture.linearModules + [architecture.headModule]
            }
        if biased.contains(where: architecture.hasBias) {
            throw .cannotTrain("an adapter with biases of the base (bias = \(bias.rawValue))")
        }
    }
}

/// Numbers in a layout: parameters, their gradients, or an optimizer's moments.
///
/// Owner: one thread at a time, that of the training step.
public final class LoRATensors: @unchecked Sendable {
    /// Where what lies.
    public let layout: LoRALayout
    /// All numbers; gaps between tensors are zero.
    public let values: AlignedBuffer<Float>

    /// Zeros.
    public init(_ layout: LoRALayout) {
        self.layout = layout
        values = AlignedBuffer(count: layout.count)
    }

    /// One tensor.
    public subscript(range: Range<Int>) -> UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(rebasing: values.elements[range])
    }

    /// Sets all numbers to zero.
    public func clear() { values.elements.update(repeating: 0) }
}

/// The gradients of one adapter in training.
public final class LoRAGradients {
    /// The adapter they belong to: after a step the one with the new weights' id.
    public var adapter: LoRAAdapter
    /// d loss / d parameter, summed over backward passes until cleared.
    public let tensors: LoRATensors

    let entries: [LoRALayout.Entry?]

    /// Zeros for an adapter in training; `parameters` is what it was made of.
    public init(adapter: LoRAAdapter, parameters: LoRATensors) {
        self.adapter = adapter
        tensors = LoRATensors(parameters.layout)
        var entries: [LoRALayout.Entry?] = Array(repeating: nil, count: adapter.pairs.count)
        for entry in parameters.layout.entries { entries[entry.module.slot] = entry }
        self.entries = entries
    }

    /// Sets all gradients to zero.
    public func clear() { tensors.clear() }
}
