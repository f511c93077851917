/// A linear layer an adapter can change: its place, its name, its shape.
public struct LinearModule: Sendable, Hashable {
    /// The module path in transformers, such as `model.layers.0.self_attn.q_proj`.
    public let name: String
    /// The block; nil for the output head.
    public let layer: Int?
    /// The matrix; nil for the output head.
    public let projection: Projection?
    /// The expert where the block is a mixture.
    public let expert: Int?
    /// Index into an adapter's table of pairs.
    public let slot: Int
    /// Features in and out.
    public let inputs: Int, outputs: Int

    /// The path transformers 5 gives the matrix of all experts that this one is a part of; nil
    /// outside of mixtures.
    var expertParameter: String? {
        guard let layer, expert != nil else { return nil }
        let matrix = projection == .down ? "down_proj" : "gate_up_proj"
        return "model.layers.\(layer).mlp.experts.\(matrix)"
    }
}

extension Architecture {
    /// Slots of one block: its projections, then three per expert.
    var slotsPerLayer: Int { Projection.allCases.count + 3 * (experts?.count ?? 0) }
    /// The slot of the output head, after all blocks'.
    var headSlot: Int { layers.count * slotsPerLayer }

    /// The slot of a matrix.
    func slot(layer: Int, _ projection: Projection, expert: Int?) -> Int {
        let base = layer * slotsPerLayer
        guard let expert else { return base + projection.rawValue }
        let within = projection == .gate ? 0 : projection == .up ? 1 : 2
        return base + Projection.allCases.count + 3 * expert + within
    }

    /// Every linear layer of the blocks, first block first, without the output head.
    public var linearModules: [LinearModule] {
        layers.indices.flatMap { attentionModules($0) + mlpModules($0) }
    }

    /// The output head as a module.
    public var headModule: LinearModule {
        LinearModule(
            name: names.head,
            layer: nil,
            projection: nil,
            expert: nil,
            slot: headSlot,
            inputs: hiddenSize,
            outputs: vocabularySize
        )
    }

    func module(
        _ layer: Int,
        _ name: String,
        _ projection: Projection,
        expert: Int? = nil,
        _ inputs: Int,
        _ outputs: Int
    ) -> LinearModule {
        LinearModule(
            name: names.path(layer, name),
            layer: layer,
            projection: projection,
            expert: expert,
            slot: slot(layer: layer, projection, expert: expert),
            inputs: inputs,
            outputs: outputs
        )
    }

    private func module(
        _ layer: Int,
        _ projection: Projection,
        _ inputs: Int,
        _ outputs: Int
    ) -> LinearModule {
        module(layer, names.projections[projection] ?? "", projection, inputs, outputs)
    }

    func attentionModules(_ layer: Int) -> [LinearModule] {
        let output = module(layer, .o, queryWidth, hiddenSize)
        guard !fusesQKV else {
            return [module(layer, .qkv, hiddenSize, queryWidth + 2 * keyWidth), output]
        }
        return [
            module(layer, .q, hiddenSize, queryWidth), module(layer, .k, hiddenSize, keyWidth),
            module(layer, .v, hiddenSize, keyWidth), output,
        ]
    }

    func mlpModules(_ layer: Int) -> [LinearModule] {
        if layers[layer].isSparse, let experts {
            return (0..<experts.count).flatMap { expertModules(layer, $0, experts) }
        }
        let width = intermediateSize
        let down = module(layer, .down, width, hiddenSize)
        let up = module(layer, .up, hiddenSize, width)
        guard gatesMLP else { return [up, down] }
        guard !fusesGateUp else {
            return [module(layer, .gateUp, hiddenSize, 2 * width), down]
        }
        return [module(layer, .gate, hiddenSize, width), up, down]
    }

    func expertModules(_ layer: Int, _ expert: Int, _ experts: MixtureOfExperts) -> [LinearModule] {
        let width = experts.intermediateSize
        let (path, names): (String, [String]) =
            switch experts.naming {
            case .mixtral: ("block_sparse_moe.experts.\(expert)", ["w1", "w3", "w2"])
            case .qwen: ("mlp.experts.\(expert)", ["gate_proj", "up_proj", "down_proj"])
            }
        return [
            module(layer, "\(path).\(names[0])", .gate, expert: expert, hiddenSize, width),
            module(layer, "\(path).\(names[1])", .up, expert: expert, hiddenSize, width),
            module(layer, "\(path).\(names[2])", .down, expert: expert, width, hiddenSize),
        ]
    }
}
