@testable import InferenceRuntime
import TestSupport
import Testing

/// Random traffic: whatever arrives, is cancelled or preempted, every request gets what it gets
/// alone, and everything comes back.
@Suite("Engine core under random traffic")
struct EnginePropertyTests {
    static let mixes: [AdapterMix] = [
        AdapterMix(), .forTests("a"), .forTests("b"), .forTests("a", "b", scale: 0.25),
    ]

    func request(_ random: inout TinyRandom) -> GenerationRequest {
        GenerationRequest.forTests(
            prompt: Int.random(in: 1...100, using: &random),
            salt: Int32.random(in: 0...2, using: &random),
            maxTokens: Int.random(in: 0...50, using: &random),
            sampling: SamplingParameters(
                temperature: [0, 1].randomElement(using: &random) ?? 1,
                seed: UInt64.random(in: 0...3, using: &random),
                frequencyPenalty: [0, 0.5].randomElement(using: &random) ?? 0,
                logprobs: [nil, 1].randomElement(using: &random) ?? nil
            ),
            choices: Int.random(in: 0...9, using: &random) == 0 ? 3 : 1,
            stopTokens: [5],
            adapters: Self.mixes.randomElement(using: &random) ?? AdapterMix(),
            tenant: ["", "t"].randomElement(using: &random) ?? "",
            promptLogprobs: Int.random(in: 0...4, using: &random) == 0 ? 1 : nil
        )
    }

    /// A model that likes to repeat what it wrote a little before, so that guesses are right at times.
    static func repeating(_ tokens: [Int32]) -> [Float] {
        var logits = (0..<97).map { Float(($0 &* 31 &+ Int(tokens.last ?? 0) &* 17) % 23) / 23 }
        if tokens.count > 7 { logits[Int(tokens[tokens.count - 7])] += 6 }
        logits[5] = tokens.count % 41 == 0 ? 6 : -2
        return logits
    }

    @Test("every request gets exactly its tokens, also where tokens are guessed", arguments: 0..<24)
    func randomTraffic(_ seed: Int) {
        var random = TinyRandom(state: UInt64(seed))
        let limits = SchedulerLimits.forTests(
            maxBatch: [1, 3, 8].randomElement(using: &random) ?? 1,
            contextTokens: 160,
            chunkTokens: Int.random(in: 1...90, using: &random),
            mixedChunkTokens: Int.random(in: 1...40, using: &random),
            logitRows: Int.random(in: 9...40, using: &random),
            speculation: seed % 2 == 0 ? .off : .fixed(Int.random(in: 1...7, using: &random)),
            preemptionLead: Int.random(in: 0...200, using: &random)
        )
        let blocks = Int.random(in: 10...24, using: &random)
        let script = seed % 2 == 0 ? nil : Self.repeating
        let harness = EngineHarness(blocks: blocks, limits: limits, script: script)
        var traffic: [(request: GenerationRequest, recorder: Recorder, cancelled: Bool)] = []
        for _ in 0..<500 {
            if traffic.count < 50, Int.random(in: 0...4, using: &random) == 0 {
                let request = request(&random)
                traffic.append((request, harness.submit(request), false))
            }
            if Int.random(in: 0...30, using: &random) == 0, !traffic.isEmpty {
                let victim = Int.random(in: traffic.indices, using: &random)
                harness.core.cancel(traffic[victim].recorder.id)
                traffic[victim].cancelled = true
            }
            harness.core.runStep()
        }
        harness.run()

        #expect(harness.model.faults == [])
        if script != nil { #expect(harness.core.statistics.acceptedTokens > 0) }
        #expect(harness.core.scheduler.isIdle)
        #expect(harness.core.scheduler.cache.heldCount == 0)
        for (request, recorder, cancelled) in traffic {
            let alone = EngineHarness.alone(request, limits: limits.relaxed, script: script)
            for choice in 0..<request.choices {
                let tokens = recorder.samples(choice)
                #expect(tokens == Array(alone.samples(choice).prefix(tokens.count)))
                guard !cancelled else { continue }
                #expect(tokens.count == alone.samples(choice).count)
                #expect(recorder.finish(choice) == alone.finish(choice))
            }
            guard !cancelled else { continue }
            #expect(recorder.prompt?.logprobs == alone.prompt?.logprobs)
            #expect(recorder.hasEnded)
        }
    }

    @Test("the traffic meets what it is to test")
    func coverage() {
        let limits = SchedulerLimits.forTests(maxBatch: 4, contextTokens: 160, preemptionLead: 0)
        let harness = EngineHarness(blocks: 12, limits: limits)
        var random = TinyRandom(state: 99)
        for _ in 0..<60 {
            harness.submit(request(&random))
            harness.core.runStep()
        }
        harness.run()
        #expect(harness.core.statistics.preemptions > 5)
        #expect(harness.core.statistics.prefixCacheHits > 100)
        #expect(harness.core.statistics.finished.keys.count >= 2)
        #expect(harness.model.faults == [])
    }
}

extension SchedulerLimits {
    /// The same context, and everything else as large as it comes.
    fileprivate var relaxed: SchedulerLimits {
        .forTests(maxBatch: 16, contextTokens: contextTokens, chunkTokens: 512, logitRows: 600)
    }
}
