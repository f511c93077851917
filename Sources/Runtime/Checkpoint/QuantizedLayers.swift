/// The linear layers of a checkpoint that GPTQ, AWQ or bitsandbytes' 8 bits quantized, put together
/// from their tensors.
struct QuantizedLayers {
    /// By the name of the weight; bitsandbytes' 4 bits are no part of it.
    private(set) var stored: [(name: String, rows: any RowSource)] = []
    /// What is no part of them.
    private(set) var others: [Tensor] = []

    /// - Parameter configuration: `config.json`, whose `quantization_config` says the layout.
    init(_ tensors: [Tensor], _ configuration: JSONValue) throws(CheckpointError) {
        let config = configuration["quantization_config"]
        switch config?["quant_method"]?.string {
        case "gptq": try read(tensors, config, Self.gptq(config))
        case "awq": try read(tensors, config, Self.awq(config))
        case "bitsandbytes": try readRowScaled(tensors)
        default: others = tensors
        }
    }

    private static func gptq(_ config: JSONValue?) throws(CheckpointError) -> PackedMatrix.Layout {
        let bits = config?["bits"]?.int ?? 4
        let form = config?["checkpoint_format"]?.string ?? "gptq"
        guard [2, 3, 4, 8].contains(bits), ["gptq", "gptq_v2"].contains(form) else {
            throw unsupported(
                "bits \(bits), checkpoint_format \(quoted(form)) of GPTQ",
                "2, 3, 4 or 8 bits, gptq or gptq_v2"
            )
        }
        return .gptq(bits: bits, zeroOffset: form == "gptq" ? 1 : 0)
    }

    private static func awq(_ config: JSONValue?) throws(CheckpointError) -> PackedMatrix.Layout {
        let (bits, version) = (config?["bits"]?.int ?? 4, config?["version"]?.string ?? "gemm")
        guard bits == 4, version.lowercased() == "gemm" else {
            throw unsupported("bits \(bits), version \(quoted(version)) of AWQ", "4 bits, gemm")
        }
        return .awq
    }

    private static func unsupported(_ found: String, _ supported: String) -> CheckpointError {
        .architecture(
            .unsupportedField("quantization_config", value: found, supported: supported)
        )
    }

    private mutating func read(
        _ tensors: [Tensor],
        _ config: JSONValue?,
        _ layout: PackedMatrix.Layout
    ) throws(CheckpointError) {
        let size = config?["group_size"]?.int ?? 128
        var layers: [String: [String: Tensor]] = [:]
        var order: [String] = []
        for tensor in tensors {
            let end = [".qweight", ".qzeros", ".scales", ".g_idx"].first(
                where: tensor.name.hasSuffix
            )
            guard let end else {
                others.append(tensor)
                continue
            }
            let stem = String(tensor.name.dropLast(end.count))
            if end == ".qweight" { order.append(stem) }
            layers[stem, default: [:]][end] = tensor
        }
        for stem in order {
            guard let layer = layers.removeValue(forKey: stem), let weights = layer[".qweight"],
                let zeros = layer[".qzeros"], let scales = layer[".scales"]
            else { throw .missingTensor(stem + ".qzeros") }
            let matrix = try PackedMatrix(
                layout,
                weights: weights,
                zeros: zeros,
                scales: scales,
                index: layer[".g_idx"],
                groupSize: size > 0 ? size : nil
            )
            stored.append((stem + ".weight", matrix))
        }
        if let stem = layers.keys.sorted().first { throw .missingTensor(stem + ".qweight") }
    }

    private mutating func readRowScaled(_ tensors: [Tensor]) throws(CheckpointError) {
        let scales = Dictionary(
            tensors.filter { $0.name.hasSuffix(".SCB") }.map { (TensorName($0.name), $0) },
            uniquingKeysWith: { first, _ in first }
        )
        for tensor in tensors {
            if tensor.name.hasSuffix(".SCB") || tensor.name.hasSuffix(".weight_format") { continue }
            let stem = tensor.name.dropLast(".weight".count)
            guard tensor.type == .i8, tensor.name.hasSuffix(".weight"),
                let scale = scales[TensorName(stem + ".SCB")]
            else {
                others.append(tensor)
                continue
            }
            stored.append((tensor.name, try RowScaledMatrix(weights: tensor, scales: scale)))
        }
    }
}
