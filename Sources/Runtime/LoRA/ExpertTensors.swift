/// Takes the tensors PEFT saves for stacked expert matrices (`target_parameters`) apart.
///
/// All experts of a block share one A [experts × rank, inputs], expert by expert, and one
/// B [outputs, rank × experts], rank by rank. Gate and up are one matrix, whose outputs follow each
/// other. PEFT wraps one parameter in the other: with both adapted the inner one, gate and up, lies
/// under `base_layer`.
struct ExpertTensors {
    let configuration: LoRAConfiguration
    let architecture: Architecture
    let matcher: ModuleMatcher

    init(
        _ configuration: LoRAConfiguration,
        _ architecture: Architecture,
        _ matcher: ModuleMatcher
    ) {
        self.configuration = configuration
        self.matcher = matcher
        self.architecture = architecture
    }

    /// The tensors of every expert's own matrices in place of the stacked ones.
    func split(_ tensors: AdapterTensors) throws(AdapterError) -> AdapterTensors {
        guard !configuration.targetParameters.isEmpty, let experts = architecture.experts else {
            return tensors
        }
        var result = tensors
        for layer in architecture.layers.indices where architecture.layers[layer].isSparse {
            let modules = (0..<experts.count).flatMap {
                architecture.expertModules(layer, $0, experts)
            }
            let path = "model.layers.\(layer).mlp.experts"
            let down = modules.filter { $0.projection == .down }
            let inputs = modules.filter { $0.projection != .down }
            let hasDown = down.contains { matcher.isTargetedAsParameter($0) }
            let hasInputs = inputs.contains { matcher.isTargetedAsParameter($0) }
            if hasDown { try split(path, down, &result) }
            if hasInputs { try split(hasDown ? path + ".base_layer" : path, inputs, &result) }
        }
        return result
    }

    private func split(
        _ path: String,
        _ modules: [LinearModule],
        _ tensors: inout AdapterTensors
    ) throws(AdapterError) {
        guard let first = modules.first, let experts = architecture.experts?.count else { return }
        let rank = try matcher.rank(of: first)
        let parts = tensors.take(path)
        guard let a = parts.a else { throw .missingTensor(path + ".lora_A.weight") }
        guard let b = parts.b else { throw .missingTensor(path + ".lora_B.weight") }
        let outputs = modules.reduce(0) { $0 + $1.outputs } / experts
        try a.checkShape([experts * rank, first.inputs])
        try b.checkShape([outputs, rank * experts])
        let rows = a.rows(experts)
        let (columns, owner) = b.columns(experts)
        tensors.keep(owner)
        for module in modules {
            guard let expert = module.expert else { continue }
            let begin = module.projection == .up ? module.outputs : 0
            tensors.put(
                module.name,
                a: rows[expert],
                b: columns[expert].rows(from: begin, count: module.outputs)
            )
        }
    }
}

extension Tensor {
    fileprivate func checkShape(_ expected: [Int]) throws(AdapterError) {
        guard shape == expected else {
            throw .wrongShape(tensor: name, expected: expected, found: shape)
        }
    }

    /// A matrix of some of the rows.
    fileprivate func rows(from first: Int, count: Int) -> Tensor {
        let width = shape[1] * type.width
        let part = bytes[first * width..<(first + count) * width]
        return Tensor(
            name: name,
            type: type,
            shape: [count, shape[1]],
            bytes: UnsafeRawBufferPointer(rebasing: part),
            file: file
        )
    }

    /// The rows in equal parts.
    fileprivate func rows(_ parts: Int) -> [Tensor] {
        let count = shape[0] / parts
        return (0..<parts).map { rows(from: $0 * count, count: count) }
    }

    /// Every `parts`-th column, from each of the first `parts` on, as matrices of their own.
    fileprivate func columns(_ parts: Int) -> (matrices: [Tensor], owner: TensorBytes) {
        let (rows, width, count) = (shape[0], type.width, shape[1] / parts)
        let owner = TensorBytes(count: bytes.count)
        var target = owner.address
        var matrices: [Tensor] = []
        guard let base = bytes.baseAddress else { return ([], owner) }
        for part in 0..<parts {
            let start = target
            for row in 0..<rows {
                for column in 0..<count {
                    let from = (row * shape[1] + column * parts + part) * width
                    target.copyMemory(from: base + from, byteCount: width)
                    target += width
                }
            }
            matrices.append(
                Tensor(
                    name: name,
                    type: type,
                    shape: [rows, count],
                    bytes: UnsafeRawBufferPointer(start: start, count: rows * count * width),
                    file: file
                )
            )
        }
        return (matrices, owner)
    }
}

/// Bytes of tensors that are in no file.
final class TensorBytes {
    private let buffer: AlignedBuffer<UInt8>

    init(count: Int) { buffer = AlignedBuffer(count: count) }

    var address: UnsafeMutableRawPointer { UnsafeMutableRawPointer(buffer.baseAddress) }
}
