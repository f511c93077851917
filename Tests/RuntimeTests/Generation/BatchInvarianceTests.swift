@testable import InferenceRuntime
import Synchronization
import TestSupport
import Testing

/// The second promise: what a sequence gets does not depend on what else is computed, how it is cut
/// into steps, what the cache holds, or how many threads work.
///
/// Compared are bits: every logit of every row that gave a token.
@Suite("Batch invariance of the real model")
struct BatchInvarianceTests {
    /// A model, two adapters and the requests that everything is compared on.
    struct Subject {
        let pool: ThreadPool
        let model: Transformer
        let requests: [GenerationRequest]

        init(_ compute: ComputeDType, threads: Int) throws {
            pool = ThreadPool(threads: threads)
            model = try TinyModel.llama(compute: compute, pool: pool)
            let a = try TinyModel.adapter(1, for: model.architecture)
            let b = try TinyModel.adapter(2, rank: 7, for: model.architecture)
            let mixes: [AdapterMix] = [
                AdapterMix(), AdapterMix([.init(adapter: a, scale: 1)]),
                AdapterMix([.init(adapter: b, scale: 1)]),
                AdapterMix([.init(adapter: a, scale: 0.5), .init(adapter: b, scale: -0.25)]),
            ]
            requests = (0..<32).map { index in
                var request = GenerationRequest.forTests(
                    prompt: [1, 5, 16, 17, 33, 48, 70, 90][index % 8],
                    salt: Int32(index % 5),
                    maxTokens: 6,
                    sampling: SamplingParameters(seed: UInt64(index), logprobs: 2),
                    adapters: mixes[index % 4],
                    promptLogprobs: index % 11 == 3 ? 1 : nil
                )
                request.id = "\(index)"
                return request
            }
        }

        func run(_ requests: [GenerationRequest], _ limits: SchedulerLimits) -> [Observation] {
            Self.run(requests, limits, model, pool)
        }

        static func run(
            _ requests: [GenerationRequest],
            _ limits: SchedulerLimits,
            _ model: Transformer,
            _ pool: ThreadPool
        ) -> [Observation] {
            let configuration = EngineConfiguration(limits: limits, kvBlocks: 400)
            let spy = LogitsSpy(
                TransformerStepModel(model, pool: pool, configuration: configuration)
            )
            let core = EngineCore(model: spy, limits: configuration.limits, kvBlocks: 400)
            let recorders = requests.enumerated().map { index, request in
                let recorder = Recorder(id: GenerationID(value: index))
                let sink = EventSink(send: { recorder.record($0) }, end: {})
                core.submit(request, id: recorder.id, sink: sink)
                return recorder
            }
            while core.runStep() {}
            return recorders.map { recorder in
                Observation(
                    samples: recorder.samples(),
                    prompt: recorder.prompt?.logprobs,
                    isComplete: recorder.finish() == .length,
                    digests: spy.digests
                )
            }
        }

        func alone(_ request: GenerationRequest) -> Observation {
            run([request], .forTests(maxBatch: 1, chunkTokens: 512, logitRows: 100))[0]
        }
    }

    /// What one request gave.
    ///
    /// `digests` are those of all rows of the whole run.
    struct Observation {
        let samples: [TokenSample]
        let prompt: [TokenSample]?
        let isComplete: Bool
        let digests: Set<UInt64>

        /// Whether this is what `alone` gave: the same answer, out of the same bits.
        func equals(_ alone: Observation) -> Bool {
            isComplete && samples == alone.samples && prompt == alone.prompt
                && alone.digests.isSubset(of: digests)
        }
    }

    @Test(
        "alone, in a batch of 32, in chunks of any size: the same bits",
        arguments: [ComputeDType.fp32, .int8]
    )
    func batchesAndChunks(_ compute: ComputeDType) throws {
        let subject = try Subject(compute, threads: 2)
        let alone = subject.requests.map { subject.alone($0) }
        for (chunk, mixed) in [(512, 512), (1, 1), (7, 3), (16, 16), (50, 17)] {
            let limits = SchedulerLimits.forTests(
                maxBatch: 32,
                chunkTokens: chunk,
                mixedChunkTokens: mixed,
                logitRows: 33 + chunk % 50
            )
            for (together, alone) in zip(subject.run(subject.requests, limits), alone) {
                #expect(together.equals(alone), "chunks of \(chunk)")
            }
        }
    }

    @Test("the comparison means something: prompts, adapters and scales change the logits")
    func sensitivity() throws {
        let subject = try Subject(.int8, threads: 2)
        let mixes =
            subject.requests[..<4].map(\.adapters) + [
                AdapterMix([
                    .init(adapter: subject.requests[1].adapters.entries[0].adapter, scale: 0.9)
                ])
            ]
        let runs = mixes.map { mix in
            var request = subject.requests[5]
            request.adapters = mix
            return subject.alone(request)
        }
        for (index, run) in runs.enumerated() {
            #expect(run.digests.count >= run.samples.count && run.isComplete)
            for other in runs[..<index] { #expect(other.digests.isDisjoint(with: run.digests)) }
        }
    }

    @Test("1, 2 and 4 threads: the same bits", arguments: [ComputeDType.fp32, .int8])
    func threads(_ compute: ComputeDType) throws {
        let subject = try Subject(compute, threads: 1)
        let limits = SchedulerLimits.forTests(maxBatch: 16, logitRows: 40)
        let single = subject.run(subject.requests, limits)
        for threads in [2, 4] {
            let pool = ThreadPool(threads: threads)
            let several = Subject.run(subject.requests, limits, subject.model, pool)
            for (one, other) in zip(single, several) { #expect(other.equals(one)) }
        }
    }

    @Test("a prefix from the cache, also one that an answer left: the same bits")
    func prefixHit() throws {
        let subject = try Subject(.int8, threads: 2)
        for request in [subject.requests[7], subject.requests[29], subject.requests[6]] {
            let alone = subject.alone(request)
            var longer = request
            longer.prompt += alone.samples.map(\.id) + [3, 4, 5]
            let limits = SchedulerLimits.forTests(maxBatch: 1, logitRows: 40)
            let runs = subject.run([request, request, longer], limits)
            #expect(runs[1].equals(alone))
            #expect(runs[2].equals(subject.alone(longer)))
        }
    }

    @Test("preempted and read again: the same bits")
    func preemption() throws {
        let subject = try Subject(.int8, threads: 2)
        let limits = SchedulerLimits.forTests(maxBatch: 3, logitRows: 40, preemptionLead: 0)
        var requests = Array(subject.requests[..<12])
        for index in requests.indices { requests[index].fairnessKey = "\(index % 3)" }
        let runs = subject.run(requests, limits)
        for (request, run) in zip(requests, runs) { #expect(run.equals(subject.alone(request))) }
    }

    @Test("choices forked from one prompt equal requests of their own")
    func choices() throws {
        let subject = try Subject(.fp32, threads: 2)
        var request = subject.requests[5]
        request.choices = 4
        let configuration = EngineConfiguration(limits: .forTests(), kvBlocks: 64)
        let core = EngineCore(
            model: TransformerStepModel(
                subject.model,
                pool: subject.pool,
                configuration: configuration
            ),
            limits: configuration.limits,
            kvBlocks: 64
        )
        let recorder = Recorder(id: GenerationID(value: 0))
        let sink = EventSink(send: { recorder.record($0) }, end: {})
        core.submit(request, id: recorder.id, sink: sink)
        while core.runStep() {}
        for choice in 0..<4 {
            var single = subject.requests[5]
            single.sampling.seed = (request.sampling.seed ?? 0) + UInt64(choice)
            #expect(recorder.samples(choice) == subject.alone(single).samples)
        }
    }
}

/// A step model that notes a digest of every row of logits.
final class LogitsSpy: StepModel {
    private let model: TransformerStepModel
    private(set) var digests: Set<UInt64> = []

    init(_ model: TransformerStepModel) {
        self.model = model
    }

    var vocabularySize: Int { model.vocabularySize }
    var threads: Int { model.threads }

    func cacheVariant(maxLength: Int) -> [Int] { model.cacheVariant(maxLength: maxLength) }
    func logits(row: Int) -> UnsafePointer<Float> { model.logits(row: row) }
    func hidden(row: Int) -> UnsafeBufferPointer<Float> { model.hidden(row: row) }
    func copyBlock(from source: Int32, to target: Int32) {
        model.copyBlock(from: source, to: target)
    }
    func parallel(_ count: Int, _ body: @escaping (Int) -> Void) { model.parallel(count, body) }

    func forward(_ batch: Batch) throws {
        try model.forward(batch)
        for row in batch.logitRows.indices {
            let logits = UnsafeBufferPointer(start: model.logits(row: row), count: vocabularySize)
            var digest: UInt64 = 0xcbf2_9ce4_8422_2325
            for value in logits { digest = (digest ^ UInt64(value.bitPattern)) &* 0x100_0000_01b3 }
            digests.insert(digest)
        }
    }
}
