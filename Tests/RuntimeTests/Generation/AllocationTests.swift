import Glibc
@testable import InferenceRuntime
import TestSupport
import Testing

/// The steady state: every sequence is being answered, nobody comes or goes.
///
/// Without optimisation Swift's generic code allocates frames for itself, so the count says
/// something in release builds alone: `scripts/check-allocations`.
@Suite("Allocations of a decode step", .serialized)
struct AllocationTests {
    static let isOptimized = !_isDebugAssertConfiguration()

    /// Objects allocated by 48 steps, enough for every sequence to fill blocks and take new ones.
    func allocations(
        _ model: any StepModel,
        adapters: [AdapterMix],
        sampling: SamplingParameters
    ) throws -> Int {
        let limits = SchedulerLimits.forTests(logitRows: 16)
        let core = EngineCore(model: model, limits: limits, kvBlocks: 128)
        for index in 0..<8 {
            let request = GenerationRequest.forTests(
                prompt: 10 + index,
                salt: Int32(index),
                maxTokens: 300,
                sampling: sampling,
                adapters: adapters[index % adapters.count]
            )
            let sink = EventSink(send: { _ in }, end: {})
            core.submit(request, id: GenerationID(value: index), sink: sink)
        }
        for _ in 0..<60 { core.runStep() }
        let count = AllocationCounter.count { for _ in 0..<48 { core.runStep() } }
        #expect(core.statistics.running == 8)
        return try #require(count)
    }

    @Test("the counter counts")
    func counter() throws {
        var kept: [UnsafeMutableRawPointer?] = []
        kept.reserveCapacity(10)
        let count = AllocationCounter.count { for _ in 0..<10 { kept.append(malloc(24)) } }
        for memory in kept { free(memory) }
        #expect(try #require(count) == 10)
    }

    @Test(
        "scheduler, batch and sampler allocate nothing",
        .enabled(if: isOptimized, "counts in release builds"),
        arguments: [
            SamplingParameters.greedy, SamplingParameters(topP: 0.9),
            SamplingParameters(topK: 20, presencePenalty: 0.1), SamplingParameters(minP: 0.1),
        ]
    )
    func engineAlone(_ sampling: SamplingParameters) throws {
        let adapters: [AdapterMix] = [AdapterMix(), .forTests("a"), .forTests("b")]
        let model = SilentModel(vocabularySize: 97)
        #expect(try allocations(model, adapters: adapters, sampling: sampling) == 0)
    }

    @Test(
        "with the real model and mixed adapters it allocates nothing either",
        .enabled(if: isOptimized, "counts in release builds")
    )
    func wholeStep() throws {
        let pool = ThreadPool(threads: 2)
        let transformer = try TinyModel.llama(compute: .int8, pool: pool)
        let adapters = try (0..<3).map { seed in
            let adapter = try TinyModel.adapter(UInt64(seed), for: transformer.architecture)
            return AdapterMix([.init(adapter: adapter, scale: 1)])
        }
        let configuration = EngineConfiguration(limits: .forTests(logitRows: 16), kvBlocks: 128)
        let model = TransformerStepModel(transformer, pool: pool, configuration: configuration)
        let sampling = SamplingParameters(topP: 0.9)
        let mixes = [AdapterMix()] + adapters
        #expect(try allocations(model, adapters: mixes, sampling: sampling) == 0)
    }
}

/// A step model that computes nothing and allocates nothing: its logits never change.
private final class SilentModel: StepModel {
    let vocabularySize: Int
    let threads = 1
    private let row: UnsafeMutablePointer<Float>

    init(vocabularySize: Int) {
        self.vocabularySize = vocabularySize
        row = .allocate(capacity: vocabularySize)
        for index in 0..<vocabularySize { row[index] = Float(index % 7) }
    }

    deinit { row.deallocate() }

    func cacheVariant(maxLength: Int) -> [Int] { [] }
    func forward(_ batch: Batch) {}
    func logits(row index: Int) -> UnsafePointer<Float> { UnsafePointer(row) }
    func hidden(row index: Int) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(start: row, count: vocabularySize)
    }
    func copyBlock(from source: Int32, to target: Int32) {}
    func parallel(_ count: Int, _ body: @escaping (Int) -> Void) {
        for index in 0..<count { body(index) }
    }
}
