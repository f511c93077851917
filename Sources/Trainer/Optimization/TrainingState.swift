package import InferenceRuntime

/// An adapter under training: its parameters, their gradients and Adam's moments, all in one
/// layout, so that clipping and the optimizer have one fixed order.
///
/// A is stored [rank, in] and B transposed, [rank, out], as the kernels read them.
///
/// The training loop owns it and lends it to one at a time: a step on the engine's thread, the
/// checkpoint's writer on a thread for files. Each borrows it through `use`, which stops a debug
/// build where two would have it, and is waited for.
///
/// Owner: one thread at a time, the one in `use`.
package final class TrainingState: @unchecked Sendable {
    /// What `adapter_config.json` will say.
    let configuration: LoRAConfiguration
    /// The parameters.
    package let parameters: LoRATensors
    /// The adapter that the forward pass sees: the same memory, under an id that is another one
    /// after each change, so that nothing remembered of it answers for what it has become.
    package private(set) var adapter: LoRAAdapter
    /// Says who has it now.
    let use = ExclusiveUse()
    private let architecture: Architecture
    /// The gradient of the loss, summed over the micro-batches of a step.
    let gradients: LoRAGradients
    /// Adam's first moment.
    let firstMoments: LoRATensors
    /// Adam's second moment.
    let secondMoments: LoRATensors

    /// Zeroed parameters for the modules a configuration targets.
    /// - Parameter hasScoreHead: Whether a score head is trained with them.
    /// - Throws: `AdapterError` naming what cannot be trained.
    package init(
        _ configuration: LoRAConfiguration,
        for architecture: Architecture,
        hasScoreHead: Bool = false
    ) throws(AdapterError) {
        let layout = try LoRALayout(configuration, for: architecture, hasScoreHead: hasScoreHead)
        self.configuration = configuration
        self.architecture = architecture
        parameters = LoRATensors(layout)
        adapter = LoRAAdapter(
            trainable: parameters,
            configuration: configuration,
            for: architecture
        )
        gradients = LoRAGradients(adapter: adapter, parameters: parameters)
        firstMoments = LoRATensors(layout)
        secondMoments = LoRATensors(layout)
    }

    /// The parameters of an adapter, to train on from there.
    /// - Parameter seed: Where a score head is trained: what one is drawn from that the adapter does not
    ///   have yet. An adapter's own head goes on; without a seed it is left behind, since what it
    ///   reads is about to change.
    package convenience init(
        copying adapter: LoRAAdapter,
        for architecture: Architecture,
        scoreHeadSeed seed: Int? = nil
    ) throws(AdapterError) {
        try self.init(adapter.configuration, for: architecture, hasScoreHead: seed != nil)
        if let seed, let entry = layout.scoreHead {
            if let head = adapter.scoreHead {
                copy(UnsafeRawPointer(head.weight), .f32, to: entry.weight)
                copy(UnsafeRawPointer(head.bias), .f32, to: entry.bias)
            } else {
                drawScoreHead(seed: seed)
            }
        }
        for pair in adapter.modules {
            guard let entry = layout.entries.first(where: { $0.module.slot == pair.module.slot }),
                entry.rank == pair.rank
            else { throw .cannotTrain(pair.module.name) }
            copy(pair.a, pair.format, to: entry.a)
            copy(pair.bTransposed, pair.format, to: entry.bTransposed)
            if let magnitude = entry.magnitude, let dora = pair.dora {
                copy(UnsafeRawPointer(dora.magnitude.values), .f32, to: magnitude)
            }
        }
        parametersDidChange()
    }

    private func copy(_ source: UnsafeRawPointer, _ format: FloatFormat, to range: Range<Int>) {
        format.decode(
            source,
            count: range.count,
            into: parameters.values.baseAddress + range.lowerBound
        )
    }

    /// Bytes of a state of this many parameters, and of the sum of a step's passes.
    static func bytes(parameters: Int) -> Int { 5 * 4 * parameters }

    /// Gives the adapter a new id: to be called after every change of the parameters.
    func parametersDidChange() {
        adapter = LoRAAdapter(
            trainable: parameters,
            configuration: configuration,
            for: architecture
        )
        gradients.adapter = adapter
    }

    /// Where what lies.
    var layout: LoRALayout { parameters.layout }

    /// Fills A as PEFT does; B stays 0, so that training begins at the base.
    ///
    /// U(−1/√in, 1/√in), which is Kaiming with a = √5. A number depends on the seed and its place
    /// alone. DoRA's magnitudes begin as the lengths of the base's rows.
    package func initialize(seed: Int, model: Transformer, _ context: ComputeContext) {
        for (index, entry) in layout.entries.enumerated() {
            draw(entry.a, inputs: entry.module.inputs, seed: seed, index)
            guard let magnitude = entry.magnitude else { continue }
            for (norm, position) in zip(model.rowNorms(of: entry.module, context), magnitude) {
                parameters.values[position] = norm
            }
        }
        drawScoreHead(seed: seed)
        parametersDidChange()
    }

    /// w as torch begins a linear layer, U(−1/√d, 1/√d), from the stream behind those of the layers;
    /// b is 0.
    private func drawScoreHead(seed: Int) {
        guard let head = layout.scoreHead else { return }
        draw(head.weight, inputs: head.weight.count, seed: seed, layout.entries.count)
    }

    private func draw(_ range: Range<Int>, inputs: Int, seed: Int, _ index: Int) {
        let bound = 1 / Double(inputs).squareRoot()
        let stream = CounterRandom(seed: seed, .initialisation, index)
        for (place, position) in range.enumerated() {
            let uniform = Double(stream.uniform(place))
            parameters.values[position] = Float((2 * uniform - 1) * bound)
        }
    }

    /// The first tensor whose gradient is no number; `nil` where all are.
    var firstBrokenGradient: String? { firstBroken(of: gradients.tensors) }

    /// The first tensor with a value that is no number; `nil` where all are numbers.
    var firstBrokenParameter: String? { firstBroken(of: parameters) }

    private func firstBroken(of tensors: LoRATensors) -> String? {
        for entry in layout.entries {
            let parts = [
                ("lora_A", entry.a), ("lora_B", entry.bTransposed),
                ("lora_magnitude_vector", entry.magnitude ?? 0..<0),
            ]
            for (name, range) in parts where !tensors[range].allSatisfy(\.isFinite) {
                return "\(entry.module.name).\(name)"
            }
        }
        if let head = layout.scoreHead,
            !tensors[head.weight].allSatisfy(\.isFinite)
                || !tensors[head.bias].allSatisfy(\.isFinite)
        {
            return "the score head"
        }
        return nil
    }
}
