import Trainer
import InferenceRuntime

/// The tests one after the other, with a word on each.
struct BenchRun {
    private let model: BenchModel

    init(_ model: BenchModel) {
        self.model = model
    }

    func run(_ tests: [BenchTest]) async throws -> [BenchResult] {
        let needsAdapter = tests.contains { [.decode, .mixed, .adapterLoad].contains($0) }
        let architecture = model.model.architecture
        let adapter = needsAdapter ? try BenchAdapter(for: architecture) : nil
        defer { adapter?.remove() }
        func adapters(_ count: Int) throws -> [LoRAAdapter] {
            try adapter?.load(count, for: architecture) ?? []
        }
        var results: [BenchResult] = []
        for test in tests {
            say("measuring \(test.rawValue)")
            switch test {
            case .prefill:
                results.append(try await EngineBench.prefill(model, tokens: prefillTokens))
            case .decode:
                results.append(try await decode())
                results.append(try await decode(adapters: adapters(1)))
            case .batched:
                for streams in [4, 16, 32] {
                    results.append(try await EngineBench.decode(model, streams: streams))
                }
            case .mixed:
                results.append(
                    try await EngineBench.decode(model, streams: 16, adapters: adapters(16))
                )
            case .adapterLoad:
                guard let adapter else { continue }
                results += try await AdapterBench(model, adapter).run()
            case .train:
                results.append(try await TrainingBench.run(model))
            case .preference:
                results.append(try await TrainingBench.run(model, .dpo))
            }
        }
        return results
    }

    private func decode(adapters: [LoRAAdapter] = []) async throws -> BenchResult {
        try await EngineBench.decode(model, streams: 1, adapters: adapters, answer: 64)
    }

    /// 512, or what the model takes.
    private var prefillTokens: Int { min(512, model.model.architecture.contextLength - 1) }
}
