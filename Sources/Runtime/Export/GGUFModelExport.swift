import Glibc

/// Writes merged weights as a model that llama.cpp loads.
public struct GGUFModelExport {
    private let weights: MergedWeights
    private let type: GGUFFileType
    private let family: GGUFFamily

    /// - Parameter type: Of matrices; vectors are fp32.
    /// - Throws: Where llama.cpp has no such model, or facet cannot write one of its kind.
    public init(_ weights: MergedWeights, type: GGUFFileType) throws(CheckpointError) {
        guard let family = GGUFFamily(weights.architecture), weights.architecture.experts == nil
        else {
            throw .unsupported(
                tensor: weights.checkpoint.path,
                reason: "\(weights.architecture.family) models cannot be written as GGUF"
            )
        }
        self.weights = weights
        self.type = type
        self.family = family
    }

    /// Writes the file, one tensor in memory at a time.
    public func write(
        to path: String,
        name: String,
        progress: @escaping (Double) -> Void
    ) throws(CheckpointError) {
        var writer = GGUFWriter<CheckpointError>()
        if GGUFModel.isNamed(weights.checkpoint.path) {
            try copyMetadata(to: &writer)
        } else {
            try GGUFMetadata(weights, family).write(name: name, to: &writer)
        }
        writer.set("general.file_type", UInt32(type.number))
        writer.set("general.quantization_version", UInt32(2))
        let names = weights.names.filter {
            $0 != "lm_head.weight" || !weights.architecture.tiesEmbeddings
        }
        try appendFactors(to: &writer)
        var done = 0
        for name in names {
            guard
                let tensor = try tensor(
                    name,
                    then: {
                        done += 1
                        progress(Double(done) / Double(names.count))
                    }
                )
            else { throw .unsupported(tensor: name, reason: "llama.cpp has no counterpart") }
            writer.append(tensor)
        }
        try DurableFile.write(writer, to: path)
    }

    private func tensor(
        _ name: String,
        then report: @escaping () -> Void
    ) throws(CheckpointError) -> GGUFWriter<CheckpointError>.Tensor? {
        guard let dot = name.lastIndex(of: ".") else { return nil }
        let (module, end) = (String(name[..<dot]), String(name[dot...]))
        guard let stem = family.tensorName(of: module) ?? family.normTensor(of: module) else {
            return nil
        }
        let shape = weights.shape(of: name)
        let isVector = shape.count == 1
        let (rows, columns) = isVector ? (1, shape[0]) : (shape[0], shape[1])
        let type =
            isVector
            ? .f32
            : type.type(
                of: stem,
                columns: columns,
                layers: weights.architecture.layers.count,
                tiesEmbeddings: weights.architecture.tiesEmbeddings
            )
        let offset = isVector && family.normTensor(of: module) != nil ? family.normOffset : 0
        let heads = family.reorderedHeads(of: stem)
        let order = heads.flatMap {
            RotaryRows.toPairs(rows: isVector ? columns : rows, heads: $0)
        }
        return .init(
            name: stem + end,
            type: type,
            extents: isVector ? [columns] : [columns, rows]
        ) { () throws(CheckpointError) in
            defer { report() }
            let numbers = try weights.numbers(of: name)
            let base = numbers.numbers.baseAddress
            if offset != 0 { for place in 0..<columns { base[place] += offset } }
            guard let order else { return GGUFQuantizer.bytes(numbers, type, weights.pool) }
            let (sorted, width) = (FloatMemory(count: rows * columns), isVector ? 1 : columns)
            for (row, source) in order.enumerated() {
                (sorted.numbers.baseAddress + row * width)
                    .update(from: base + source * width, count: width)
            }
            return GGUFQuantizer.bytes(sorted, type, weights.pool)
        }
    }

    private func copyMetadata(
        to writer: inout GGUFWriter<CheckpointError>
    ) throws(CheckpointError) {
        let left = ["general.file_type", "general.quantization_version", "general.alignment"]
        for (key, kind, bytes) in try GGUFModel(path: weights.checkpoint.path).rawMetadata
        where !left.contains(key) && !key.hasPrefix("split.") {
            writer.set(key, kind: kind, bytes: bytes)
        }
    }

    /// Factors of rotary frequencies: of the source, or of Llama 3.1's rule.
    private func appendFactors(
        to writer: inout GGUFWriter<CheckpointError>
    ) throws(CheckpointError) {
        func append(_ name: String, _ factors: [Float]) {
            writer.append(
                .init(name: name, type: .f32, extents: [factors.count]) {
                    factors.withUnsafeBytes { Array($0) }
                }
            )
        }
        guard let rotary = weights.architecture.rotaries.first else { return }
        switch rotary.scaling {
        case .llama3:
            var plain = rotary
            plain.scaling = .none
            let scaled = rotary.inverseFrequencies(regime: 0)
            append(
                "rope_freqs.weight",
                zip(plain.inverseFrequencies(regime: 0), scaled).map { $0 / $1 }
            )
        case .longrope(let short, let long):
            if short == long, family.architecture != "phi3" {
                append("rope_freqs.weight", long.map { Float($0) })
            } else {
                append("rope_factors_long.weight", long.map { Float($0) })
                append("rope_factors_short.weight", short.map { Float($0) })
            }
        case .none, .linear, .yarn, .dynamic: break
        }
    }
}

extension GGUFFamily {
    /// The tensor of a norm such as `model.layers.3.input_layernorm`, without `.weight`.
    func normTensor(of module: String) -> String? {
        if module == "model.norm" { return "output_norm" }
        guard let (layer, rest) = Self.split(module, prefix: "model.layers."),
            let name = others[rest]
        else { return nil }
        return "blk.\(layer).\(name)"
    }
}
