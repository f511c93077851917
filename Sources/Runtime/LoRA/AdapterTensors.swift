/// The tensors of a PEFT adapter by the module they belong to.
struct AdapterTensors {
    /// What one module has.
    struct Parts {
        var a: Tensor?
        var b: Tensor?
        var loraBias: Tensor?
        var magnitude: Tensor?
        var bias: Tensor?
        var embeddingA: Tensor?
        var embeddingB: Tensor?
    }

    private(set) var parts: [String: Parts] = [:]
    /// Whole weights of the base, by the name they have there: PEFT adds the embedding and the head
    /// where one is adapted, and what `modules_to_save` names.
    private(set) var whole: [(name: String, tensor: Tensor)] = []
    /// What keeps the bytes of tensors that are in no file.
    private var kept: [TensorBytes] = []

    static let prefix = "base_model.model."

    /// Sorts tensors by module path; refuses those whose name has no meaning here.
    init(_ tensors: [Tensor]) throws(AdapterError) {
        for tensor in tensors {
            guard tensor.name.hasPrefix(Self.prefix) else { throw .unknownTensor(tensor.name) }
            let name = String(tensor.name.dropFirst(Self.prefix.count))
            try add(tensor, name)
        }
    }

    private static var places: [(suffix: String, place: WritableKeyPath<Parts, Tensor?>)] {
        [
            (".lora_A.weight", \.a),
            (".lora_B.weight", \.b),
            (".lora_B.bias", \.loraBias),
            (".lora_magnitude_vector", \.magnitude),
            (".lora_magnitude_vector.weight", \.magnitude),
            (".lora_embedding_A", \.embeddingA),
            (".lora_embedding_B", \.embeddingB),
            (".base_layer.bias", \.bias),
            (".bias", \.bias),
        ]
    }

    /// The endings of whole weights, the longest first.
    private static let wholeSuffixes = [
        ".base_layer.weight", ".modules_to_save.weight", ".original_module.weight", ".weight",
    ]

    /// Takes out the head of a sequence classifier, which PEFT keeps among the whole weights.
    mutating func takeClassifier() throws(AdapterError) -> Tensor? {
        let found = whole.filter { $0.name == "score.weight" }
        if found.count > 1 {
            throw .invalidNumbers(tensor: found[1].tensor.name, reason: "is there twice")
        }
        whole.removeAll { $0.name == "score.weight" }
        return found.first?.tensor
    }

    /// Takes out what a module has.
    mutating func take(_ path: String) -> Parts { parts.removeValue(forKey: path) ?? Parts() }

    /// Gives a module A and B.
    mutating func put(_ path: String, a: Tensor, b: Tensor) {
        parts[path, default: Parts()].a = a
        parts[path, default: Parts()].b = b
    }

    /// Keeps bytes that tensors lie in as long as this value.
    mutating func keep(_ bytes: TensorBytes) { kept.append(bytes) }

    private mutating func add(_ tensor: Tensor, _ name: String) throws(AdapterError) {
        for (suffix, place) in Self.places where name.hasSuffix(suffix) {
            let path = ModulePath.canonical(String(name.dropLast(suffix.count)))
            guard parts[path, default: Parts()][keyPath: place] == nil else {
                throw .invalidNumbers(tensor: tensor.name, reason: "is there twice")
            }
            parts[path, default: Parts()][keyPath: place] = tensor
            return
        }
        guard !name.contains(".lora_"),
            let suffix = Self.wholeSuffixes.first(where: { name.hasSuffix($0) })
        else { throw .unknownTensor(tensor.name) }
        let path = ModulePath.canonical(String(name.dropLast(suffix.count)))
        whole.append((name: path + ".weight", tensor: tensor))
    }
}

extension Tensor {
    /// Refuses another shape, a type that is no float, and numbers that are not finite.
    func checkNumbers(_ expected: [Int]) throws(AdapterError) {
        guard shape == expected else {
            throw .wrongShape(tensor: name, expected: expected, found: shape)
        }
        guard let format = type.floatFormat else {
            throw .invalidNumbers(
                tensor: name,
                reason: "is \(type.rawValue); F32, F16 and BF16 are supported"
            )
        }
        guard let base = bytes.baseAddress else { return }
        let isFinite =
            switch format {
            case .f32: Self.isFinite(base, count, exponent: UInt32(0x7F80_0000))
            case .f16: Self.isFinite(base, count, exponent: UInt16(0x7C00))
            case .bf16: Self.isFinite(base, count, exponent: UInt16(0x7F80))
            }
        guard isFinite else {
            throw .invalidNumbers(tensor: name, reason: "holds NaN or infinity")
        }
    }

    /// Whether no number has all bits of its exponent set; a loop over integers, which the compiler
    /// turns into vectors.
    private static func isFinite<Bits: FixedWidthInteger & BitwiseCopyable>(
        _ base: UnsafeRawPointer,
        _ count: Int,
        exponent: Bits
    ) -> Bool {
        var first = 0
        while first < count {
            let last = min(count, first + 4096)
            var special: Bits = 0
            for index in first..<last {
                let bits = base.loadUnaligned(
                    fromByteOffset: index * MemoryLayout<Bits>.size,
                    as: Bits.self
                )
                special |= bits & exponent == exponent ? 1 : 0
            }
            if special != 0 { return false }
            first = last
        }
        return true
    }
}
