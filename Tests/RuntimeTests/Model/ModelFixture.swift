import Glibc
import InferenceRuntime
import TestSupport

/// A tiny checkpoint with what transformers and PEFT computed for it.
struct ModelFixture {
    let folder: String
    let model: Transformer
    let context: ComputeContext

    static var root: String { SharedData.packageRoot + "/Tests/Fixtures/models" }

    init(
        folder: String,
        compute: ComputeDType = .fp32,
        base: BaseDType? = .nf4,
        cache: PackedCache? = nil,
        threads: Int = 2
    ) throws {
        let pool = ThreadPool(threads: threads)
        self.folder = folder
        context = ComputeContext(pool: pool, dtype: compute)
        model = try ModelLoader.load(
            folder: folder,
            compute: compute,
            base: base,
            pool: pool,
            cache: cache
        ) { _ in }.model
    }

    /// Random weights of a shape.
    init(random configuration: JSONValue, compute: ComputeDType) throws {
        let pool = ThreadPool(threads: 2)
        folder = ""
        context = ComputeContext(pool: pool, dtype: compute)
        model = try ModelLoader.random(configuration: configuration, compute: compute, pool: pool)
    }

    init(_ name: String, compute: ComputeDType = .fp32) throws {
        try self.init(folder: Self.root + "/" + name, compute: compute)
    }

    func adapter(_ name: String) throws -> LoRAAdapter {
        try LoRAAdapter(
            folder: folder + "/adapters/" + name,
            for: model.architecture,
            base: BaseTensors(folder: folder)
        )
    }

    /// Prompts and log probabilities [positions, vocabulary].
    func expectation(_ name: String) throws -> [(prompt: [Int32], logProbabilities: [Float])] {
        let json = try JSONValue(parsing: bytes(of: folder + "/expected-\(name).json"))
        let file = try SafetensorsFile(path: folder + "/expected-\(name).safetensors")
        let prompts = json["prompts"]?.array ?? []
        return try prompts.enumerated().map { index, prompt in
            let tokens = (prompt.array ?? []).compactMap { $0.int.map { Int32($0) } }
            return (tokens, try floats(file, "\(index)"))
        }
    }

    func floats(_ file: SafetensorsFile, _ name: String) throws -> [Float] {
        guard let tensor = file[name], tensor.type == .f32 else {
            throw CheckpointError.missingTensor(name)
        }
        return withExtendedLifetime(file) {
            tensor.bytes.withMemoryRebound(to: Float.self) { Array($0) }
        }
    }

    private func bytes(of path: String) throws -> [UInt8] {
        let file = try MemoryMappedFile(path: path)
        return withExtendedLifetime(file) { Array(file.bytes) }
    }

    /// Log probabilities of all positions, the prompt in one piece.
    func logProbabilities(_ prompt: [Int32], adapters: AdapterMix = AdapterMix()) throws -> [Float]
    {
        try logits(prompt, adapters: adapters, chunk: prompt.count, tape: nil)
            .flatMap { logSoftmax($0) }
    }

    /// Logits of all positions, computed in chunks.
    func logits(
        _ prompt: [Int32],
        adapters: AdapterMix = AdapterMix(),
        chunk: Int,
        tape: Tape?
    ) throws -> [[Float]] {
        let cache = model.makeCache(blocks: (prompt.count + 15) / 16)
        let workspace = model.makeWorkspace(
            maxRows: chunk,
            maxLogitRows: chunk,
            purpose: tape == nil ? .serving : .training
        )
        var result: [[Float]] = []
        var first = 0
        while first < prompt.count {
            let rows = prompt[first..<min(first + chunk, prompt.count)]
            var batch = Batch()
            batch.append(
                tokens: rows,
                firstPosition: first,
                maxLength: prompt.count,
                blockTable: (0..<cache.blocks).map { Int32($0) },
                adapters: adapters,
                logits: .all
            )
            try model.forward(
                batch,
                cache: cache,
                workspace: workspace,
                tape: tape,
                context,
                yield: nil
            )
            for row in 0..<rows.count { result.append(Array(workspace.logits(row: row))) }
            first += rows.count
        }
        return result
    }
}

/// log softmax in double.
func logSoftmax(_ logits: [Float]) -> [Float] {
    let greatest = Double(logits.max() ?? 0)
    let sum = logits.reduce(0.0) { $0 + exp(Double($1) - greatest) }
    return logits.map { Float(Double($0) - greatest - log(sum)) }
}

func greatestDifference(_ left: [Float], _ right: [Float]) -> Float {
    guard left.count == right.count else { return .infinity }
    return zip(left, right).reduce(0) { $1.0.isNaN ? .infinity : max($0, abs($1.0 - $1.1)) }
}
