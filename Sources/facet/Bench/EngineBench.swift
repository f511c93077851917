import InferenceRuntime

/// Prefill and decoding, through the engine that serves.
struct EngineBench {
    private let bench: BenchModel
    private let engine: Engine
    private let prompt: Int, answer: Int, streams: Int
    private let adapters: [LoRAAdapter]

    /// An engine with a cache of just the size that is needed.
    /// - Parameters:
    ///   - prompt: Tokens of each prompt.
    ///   - answer: Tokens of each answer.
    ///   - adapters: None, one for all streams, or one for each.
    private init(
        _ bench: BenchModel,
        prompt: Int,
        answer: Int,
        streams: Int = 1,
        adapters: [LoRAAdapter] = []
    ) throws {
        self.bench = bench
        self.prompt = prompt
        self.answer = answer
        self.streams = streams
        self.adapters = adapters
        let context = prompt + answer
        // Random weights repeat themselves, so that guesses would be right more often than in use.
        let limits = SchedulerLimits(
            maxBatch: max(32, streams),
            contextTokens: context,
            speculation: .off
        )
        let blocks = context / KVBlockPool.blockTokens + 2
        engine = try Engine(
            model: bench.model,
            pool: bench.pool,
            configuration: EngineConfiguration(limits: limits, kvBlocks: streams * blocks)
        )
    }

    /// The time to the first token after a prompt.
    static func prefill(_ bench: BenchModel, tokens: Int) async throws -> BenchResult {
        let own = try EngineBench(bench, prompt: tokens, answer: 1)
        let (sample, memory) = try await bench.median { _ in
            let trace = try await own.traces()[0]
            let seconds = (trace.tokens[0] - trace.submitted) / .seconds(1)
            return BenchResult.Sample(tokens: tokens, seconds: seconds)
        }
        await own.engine.stop(draining: false)
        let model = bench.model
        return BenchResult(
            kind: .prefill,
            label: "prefill, \(tokens) tokens",
            sample: sample,
            computeDType: bench.dtype,
            residentBytes: memory,
            work: BenchWork(
                bytes: Double(model.activeWeightBytes + model.headBytes),
                operations: 2 * Double(tokens * model.activeWeights + model.headWeights)
            )
        )
    }

    /// Tokens per second of all streams together, while all are being answered.
    static func decode(
        _ bench: BenchModel,
        streams: Int,
        adapters: [LoRAAdapter] = [],
        prompt: Int = 64,
        answer: Int = 16
    ) async throws -> BenchResult {
        let own = try EngineBench(
            bench,
            prompt: prompt,
            // The streams start and end one after the other; between lies the steady state.
            answer: answer + 1 + (streams > 1 ? streams : 0),
            streams: streams,
            adapters: adapters
        )
        let (sample, memory) = try await bench.median { _ in
            StreamTrace.steadyState(try await own.traces())
        }
        await own.engine.stop(draining: false)
        var label = "decode, \(streams) stream\(streams > 1 ? "s" : "")"
        if adapters.count == 1 { label += ", with adapter" }
        if adapters.count > 1 { label += ", \(adapters.count) adapters" }
        return BenchResult(
            kind: .decode,
            label: label,
            sample: sample,
            streams: streams,
            adapters: adapters.count,
            rank: adapters.first?.rank ?? 0,
            computeDType: bench.dtype,
            residentBytes: memory,
            work: own.decodeWork(tokens: sample.tokens)
        )
    }

    /// Asks for all streams at once.
    private func traces() async throws -> [StreamTrace] {
        try await withThrowingTaskGroup(of: StreamTrace.self) { group in
            for index in 0..<streams {
                let mix = adapters.isEmpty ? nil : adapters[index % adapters.count]
                let request = GenerationRequest(
                    id: "bench-\(index)",
                    prompt: bench.tokens(prompt),
                    sampling: .greedy,
                    maxTokens: answer,
                    ignoreEOS: true,
                    adapters: AdapterMix(
                        mix.map { [AdapterMix.Entry(adapter: $0, scale: 1)] } ?? []
                    )
                )
                group.addTask { [engine] in try await StreamTrace(request, engine) }
            }
            var traces: [StreamTrace] = []
            for try await trace in group { traces.append(trace) }
            return traces
        }
    }

    private func decodeWork(tokens: Int) -> BenchWork {
        let model = bench.model
        let context = prompt + answer / 2
        let keys = streams * context * model.cacheBytesPerBlock / KVBlockPool.blockTokens
        let adapterBytes = adapters.reduce(0) { $0 + $1.bytes }
        let step = model.activeWeightBytes + model.headBytes + keys + adapterBytes
        let pairs = adapters.first?.modules ?? []
        let low = pairs.reduce(0) { $0 + $1.rank * ($1.module.inputs + $1.module.outputs) }
        return BenchWork(
            bytes: Double(tokens) / Double(streams) * Double(step),
            operations: 2 * Double(tokens) * Double(model.activeWeights + model.headWeights + low)
        )
    }
}

/// When what came of one request.
private struct StreamTrace: Sendable {
    let submitted: ContinuousClock.Instant
    var tokens: [ContinuousClock.Instant] = []

    init(_ request: GenerationRequest, _ engine: Engine) async throws {
        submitted = .now
        for await event in try engine.generate(request) {
            switch event {
            case .token: tokens.append(.now)
            case .failed(let error): throw error
            case .prompt, .finished: break
            }
        }
        guard !tokens.isEmpty else { throw EngineError.stopping }
    }

    /// Tokens that came between the last stream's first and the first stream's last.
    static func steadyState(_ traces: [StreamTrace]) -> BenchResult.Sample {
        let first = traces.map { $0.tokens[0] }.sorted()
        let last = traces.map { $0.tokens[$0.tokens.count - 1] }.sorted()
        var (start, end) = (first[first.count - 1], last[0])
        // A model may be so small that one answer is over before the next request is there.
        if end <= start { (start, end) = (first[0], last[last.count - 1]) }
        let tokens = traces.reduce(0) { $0 + $1.tokens.count { $0 > start && $0 <= end } }
        return BenchResult.Sample(tokens: tokens, seconds: (end - start) / .seconds(1))
    }
}
