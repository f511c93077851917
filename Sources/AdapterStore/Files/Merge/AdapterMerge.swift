import Glibc
import InferenceRuntime
import Storage

/// How adapters become one: the methods of PEFT's `add_weighted_adapter`.
public enum AdapterMergeMethod: String, Sendable, CaseIterable {
    /// A and B are summed, each weighted by the root of weight × scale. Needs equal ranks.
    case linear
    /// Ranks are put side by side: exactly the sum of what the adapters do.
    case cat
    /// The best approximation of that sum at the rank of the largest.
    case svd
    /// Small numbers are dropped, then those whose sign the majority does not have.
    case ties
    /// As `ties`, but what is dropped is drawn, and the rest scaled up.
    case dareTies = "dare_ties"
}

/// Merges PEFT directories of LoRA pairs into one.
struct AdapterMerge {
    /// One adapter and its weight.
    struct Part {
        let name: String
        let folder: String
        let weight: Double
    }

    let parts: [Part]
    let method: AdapterMergeMethod
    /// The share of numbers that `ties` and `dare_ties` keep.
    let density: Double

    /// An adapter's share of one module, in fp32.
    struct Pair {
        /// Weight × scale.
        var factor: Double
        var rank: Int
        /// [rank, inputs].
        var a: [Float]
        /// [outputs, rank].
        var b: [Float]
    }

    /// Writes `adapter_config.json` and `adapter_model.safetensors`, one module in memory at a time.
    func write(to staging: StagingFolder) throws(AdapterStoreError) {
        let sources = try parts.map { (part) throws(AdapterStoreError) in
            try AdapterMergeSource(folder: part.folder, name: part.name, weight: part.weight)
        }
        var modules: [String] = []
        for source in sources {
            for module in source.modules where !modules.contains(module) { modules.append(module) }
        }
        let ranks = try modules.map { (module) throws(AdapterStoreError) in
            try rank(of: module, sources)
        }
        var writer = SafetensorsWriter<AdapterStoreError>()
        for (module, rank) in zip(modules, ranks) {
            let shape = try shape(of: module, sources)
            let prefix = "base_model.model.\(module)."
            writer.append([
                .init(name: prefix + "lora_A.weight", type: .f32, shape: [rank, shape.inputs]),
                .init(name: prefix + "lora_B.weight", type: .f32, shape: [shape.outputs, rank]),
            ]) { (sink) throws(AdapterStoreError) in
                var pairs: [Pair] = []
                for source in sources {
                    if let pair = try source.pair(of: module) { pairs.append(pair) }
                }
                let merged = merge(pairs, rank: rank, shape, module)
                try merged.a.handed(to: sink)
                try merged.b.handed(to: sink)
            }
        }
        let size = writer.bytes
        var failure: AdapterStoreError?
        try staging.create(AdapterFileNames.weights, bytes: size) {
            output throws(FileSystemError) in
            do throws(AdapterStoreError) {
                try writer.write { (bytes) throws(AdapterStoreError) in
                    do throws(FileSystemError) {
                        try output.write(bytes)
                    } catch {
                        throw .storage(operation: "merge", reason: error.description)
                    }
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        try writeConfiguration(modules, ranks, sources, to: staging)
    }

    private func shape(
        of module: String,
        _ sources: [AdapterMergeSource]
    ) throws(AdapterStoreError) -> (inputs: Int, outputs: Int) {
        let shapes = sources.compactMap { $0.shape(of: module) }
        guard let first = shapes.first,
            shapes.allSatisfy({ $0.inputs == first.inputs && $0.outputs == first.outputs })
        else { throw .unfit(name: parts[0].name, reason: "\(module) has another shape in another") }
        return (first.inputs, first.outputs)
    }

    private func rank(
        of module: String,
        _ sources: [AdapterMergeSource]
    ) throws(AdapterStoreError) -> Int {
        let ranks = sources.map { $0.shape(of: module)?.rank ?? $0.rank }
        switch method {
        case .cat: return ranks.reduce(0, +)
        case .svd: return ranks.max() ?? 0
        case .linear, .ties, .dareTies:
            guard Set(ranks).count == 1 else {
                throw .unfit(
                    name: parts[0].name,
                    reason: "\(method.rawValue) needs adapters of one rank, these have "
                        + ranks.map(String.init).joined(separator: ", ") + "; cat and svd do not"
                )
            }
            return ranks[0]
        }
    }

    private func writeConfiguration(
        _ modules: [String],
        _ ranks: [Int],
        _ sources: [AdapterMergeSource],
        to staging: StagingFolder
    ) throws(AdapterStoreError) {
        var config = LoRAConfiguration()
        config.rank = ranks.first ?? 0
        config.alpha = Double(config.rank)
        config.setTargets(modules)
        config.baseModel = sources.lazy.compactMap(\.configuration.baseModel).first
        // Scales are in the weights: alpha is the rank, module by module.
        config.rankPattern = zip(modules, ranks).filter { $0.1 != config.rank }
            .map { LoRAConfiguration.PatternValue(pattern: $0.0, value: Double($0.1)) }
        config.alphaPattern = config.rankPattern
        try staging.write(AdapterConfigFile.bytes(of: config), to: AdapterFileNames.config)
    }

    private func merge(
        _ pairs: [Pair],
        rank: Int,
        _ shape: (inputs: Int, outputs: Int),
        _ module: String
    ) -> (a: [Float], b: [Float]) {
        switch method {
        case .cat: return Self.concatenated(pairs, rank: rank, shape)
        case .svd:
            let total = pairs.reduce(0) { $0 + $1.rank }
            let sum = Self.concatenated(pairs, rank: total, shape)
            return LowRankProduct(a: sum.a, b: sum.b, inner: total, shape.inputs, shape.outputs)
                .truncated(to: rank)
        case .linear, .ties, .dareTies:
            let roots = pairs.map { abs($0.factor).squareRoot() }
            // The sign goes to one side alone.
            let signed = zip(pairs, roots).map { $0.factor < 0 ? -$1 : $1 }
            return (
                combined(pairs.map(\.a), signed, module + ".A"),
                combined(pairs.map(\.b), roots, module + ".B")
            )
        }
    }

    /// A below A, each times its factor; B beside B.
    private static func concatenated(
        _ pairs: [Pair],
        rank: Int,
        _ shape: (inputs: Int, outputs: Int)
    ) -> (a: [Float], b: [Float]) {
        var a: [Float] = []
        for pair in pairs { a += pair.a.map { $0 * Float(pair.factor) } }
        a += [Float](repeating: 0, count: rank * shape.inputs - a.count)
        var b = [Float](repeating: 0, count: shape.outputs * rank)
        var first = 0
        for pair in pairs {
            for row in 0..<shape.outputs {
                for column in 0..<pair.rank {
                    b[row * rank + first + column] = pair.b[row * pair.rank + column]
                }
            }
            first += pair.rank
        }
        return (a, b)
    }

    /// PEFT's `task_arithmetic` and `ties` of one matrix of every adapter.
    private func combined(_ tensors: [[Float]], _ weights: [Double], _ name: String) -> [Float] {
        let weights = weights.map { Float($0) }
        guard let count = tensors.first?.count else { return [] }
        var tensors = tensors
        if method != .linear, density < 1 {
            for index in tensors.indices {
                method == .ties
                    ? Self.keepLargest(&tensors[index], density)
                    : Self.keepDrawn(&tensors[index], density, "\(name).\(index)")
            }
        }
        return (0..<count).map { place in
            var sum: Float = 0, votes: Float = 0
            var kept = 0
            if method != .linear { for tensor in tensors { votes += tensor[place] } }
            for (tensor, weight) in zip(tensors, weights) {
                let value = tensor[place]
                if method != .linear {
                    guard votes >= 0 ? value > 0 : value < 0 else { continue }
                    kept += 1
                }
                sum += value * weight
            }
            return method == .linear ? sum : sum / Float(max(kept, 1))
        }
    }

    /// Keeps the `density` numbers of greatest magnitude.
    private static func keepLargest(_ numbers: inout [Float], _ density: Double) {
        let kept = Int(density * Double(numbers.count))
        let order = numbers.indices.sorted { abs(numbers[$0]) > abs(numbers[$1]) }
        for index in order.dropFirst(kept) { numbers[index] = 0 }
    }

    /// Keeps each number with the chance `density`, and scales it up; the draws depend on the name.
    private static func keepDrawn(_ numbers: inout [Float], _ density: Double, _ name: String) {
        var state: UInt64 = 0
        for byte in name.utf8 { state = SplitMix64.finalize(state &+ UInt64(byte) &+ 1) }
        var random = SplitMix64(state: state)
        for index in numbers.indices {
            let isKept = Double(random.next() >> 11) * 0x1p-53 < density
            numbers[index] = isKept ? numbers[index] / Float(density) : 0
        }
    }
}

extension [Float] {
    fileprivate func handed(
        to sink: (UnsafeRawBufferPointer) throws(AdapterStoreError) -> Void
    ) throws(AdapterStoreError) {
        var failure: AdapterStoreError?
        withUnsafeBytes { bytes in
            do throws(AdapterStoreError) { try sink(bytes) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}
