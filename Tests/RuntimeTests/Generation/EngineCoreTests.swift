@testable import InferenceRuntime
import TestSupport
import Testing

@Suite("Engine core over a scripted model")
struct EngineCoreTests {
    @Test("one request gets its tokens, its finish and its usage")
    func one() {
        let harness = EngineHarness()
        let recorder = harness.submit(.forTests(prompt: 20, maxTokens: 5))
        harness.run()
        #expect(recorder.tokens().count == 5)
        #expect(recorder.finish() == .length)
        #expect(recorder.usage() == GenerationUsage(promptTokens: 20, completionTokens: 5))
        #expect(recorder.hasEnded)
        #expect(harness.model.faults == [])
        #expect(harness.core.statistics.generationTokens == 5)
    }

    @Test("a stop token ends the answer, is counted, and is not sent; ignoreEOS lets it pass")
    func stopToken() throws {
        let free = EngineHarness.alone(.forTests(maxTokens: 8))
        let stop = try #require(free.tokens().dropFirst(3).first)
        let index = try #require(free.tokens().firstIndex(of: stop))
        let stopped = EngineHarness.alone(.forTests(maxTokens: 8, stopTokens: [stop]))
        #expect(stopped.tokens() == Array(free.tokens()[..<index]))
        #expect(stopped.finish() == .stop)
        #expect(stopped.usage()?.completionTokens == index + 1)

        var ignoring = GenerationRequest.forTests(maxTokens: 8, stopTokens: [stop])
        ignoring.ignoreEOS = true
        #expect(EngineHarness.alone(ignoring).tokens() == free.tokens())
    }

    @Test("an answer is cut where the context ends")
    func contextEnd() {
        let request = GenerationRequest.forTests(prompt: 500, maxTokens: nil)
        let recorder = EngineHarness.alone(request)
        #expect(recorder.tokens().count == 12)
        #expect(recorder.finish() == .length)
    }

    @Test("choices share a prefill, draw from seeds of their own, and equal single requests")
    func choices() {
        for prompt in [16, 20, 33] {
            let harness = EngineHarness()
            let sampling = SamplingParameters(seed: 40)
            let request = GenerationRequest.forTests(prompt: prompt, sampling: sampling, choices: 5)
            let recorder = harness.submit(request)
            harness.run()
            for choice in 0..<5 {
                let single = SamplingParameters(seed: 40 + UInt64(choice))
                let alone = EngineHarness.alone(.forTests(prompt: prompt, sampling: single))
                #expect(recorder.tokens(choice) == alone.tokens())
            }
            #expect(harness.model.batchRows.first == prompt)
            #expect(harness.model.faults == [])
            #expect(harness.core.scheduler.cache.heldCount == 0)
        }
    }

    @Test("more choices than places: every one gets its tokens")
    func manyChoices() {
        let harness = EngineHarness(blocks: 12, limits: .forTests(maxBatch: 3, contextTokens: 64))
        let recorder = harness.submit(.forTests(prompt: 37, maxTokens: 20, choices: 9))
        harness.run()
        for choice in 0..<9 {
            let single = SamplingParameters(seed: 1 + UInt64(choice))
            let alone = EngineHarness.alone(.forTests(prompt: 37, maxTokens: 20, sampling: single))
            #expect(recorder.tokens(choice) == alone.tokens())
        }
        #expect(harness.model.faults == [])
        #expect(harness.core.scheduler.cache.heldCount == 0)
    }

    @Test("a choice can be stopped before and after the fork, the others go on")
    func stopChoice() {
        for steps in [0, 1, 3] {
            let harness = EngineHarness()
            let recorder = harness.submit(.forTests(prompt: 70, maxTokens: 9, choices: 3))
            for _ in 0..<steps { harness.core.runStep() }
            harness.core.stop(choice: 0, of: recorder.id)
            harness.core.stop(choice: 0, of: recorder.id)
            harness.core.stop(choice: 7, of: recorder.id)
            harness.run()
            #expect(recorder.finish(0) == .cancelled)
            #expect(recorder.tokens(0).count < 9)
            for choice in 1...2 {
                let single = SamplingParameters(seed: 1 + UInt64(choice))
                let alone = EngineHarness.alone(
                    .forTests(prompt: 70, maxTokens: 9, sampling: single)
                )
                #expect(recorder.tokens(choice) == alone.tokens())
            }
            #expect(harness.core.scheduler.cache.heldCount == 0)
        }
    }

    @Test("scoring gives every prompt token's log-probability, whatever the tiles")
    func scoring() throws {
        let request = GenerationRequest.forTests(prompt: 100, maxTokens: 0, promptLogprobs: 2)
        let tiles = [2, 7, 33, 200].map { rows in
            EngineHarness.alone(request, limits: .forTests(maxBatch: 1, logitRows: rows))
        }
        for recorder in tiles {
            #expect(recorder.prompt == tiles[0].prompt)
            #expect(recorder.finish() == .length)
            #expect(recorder.usage()?.completionTokens == 0)
        }
        let logprobs = try #require(tiles[0].prompt?.logprobs)
        #expect(logprobs.map(\.id) == request.prompt)
        #expect(logprobs[0].logprob == nil)
        #expect(logprobs.dropFirst().allSatisfy { ($0.logprob ?? 1) < 0 && $0.top.count == 2 })
    }

    @Test("echo: prompt scores and answer together; one token is enough; a second run is the same")
    func echo() throws {
        let harness = EngineHarness()
        let request = GenerationRequest.forTests(prompt: 50, maxTokens: 4, promptLogprobs: 0)
        let first = harness.submit(request)
        harness.run()
        let second = harness.submit(request)
        harness.run()
        #expect(first.events == second.events)
        #expect(first.prompt?.logprobs?.count == 50)
        #expect(first.tokens().count == 4)
        let short = EngineHarness.alone(
            .forTests(prompt: 1, maxTokens: 0, promptLogprobs: 1)
        )
        #expect(short.prompt?.logprobs?.count == 1)
    }

    @Test("a scored prompt that is preempted on the way is scored once, and the same")
    func preemptedScoring() {
        let limits = SchedulerLimits.forTests(contextTokens: 160, logitRows: 9)
        let harness = EngineHarness(blocks: 10, limits: limits)
        let other = harness.submit(.forTests(prompt: 16, salt: 3, maxTokens: 100))
        for _ in 0..<50 { harness.core.runStep() }
        let request = GenerationRequest.forTests(prompt: 60, maxTokens: 30, promptLogprobs: 1)
        let scored = harness.submit(request)
        harness.run()
        #expect(harness.core.scheduler.preemptions > 0)
        #expect(scored.events == EngineHarness.alone(request).events)
        #expect(other.tokens().count == 100)
        #expect(harness.model.faults == [])
    }

    @Test("NaN logits fail this request, and no other")
    func notANumber() {
        let harness = EngineHarness()
        let plain = EngineHarness.alone(.forTests(prompt: 21))
        harness.model.script = { tokens in
            var row = [Float](repeating: 0, count: 97)
            row[Int(tokens.last ?? 0) % 97] = tokens.count == 22 && tokens[1] == 20 ? .nan : 3
            return row
        }
        let good = harness.submit(.forTests(prompt: 21))
        let bad = harness.submit(.forTests(prompt: 21, salt: 1))
        harness.run()
        #expect(bad.failure == .notANumber)
        #expect(bad.hasEnded)
        #expect(good.finish() == .length)
        #expect(good.tokens().count == plain.tokens().count)
        #expect(harness.core.scheduler.cache.heldCount == 0)
    }

    @Test("a failing forward fails the requests of its step, later ones are served")
    func failingForward() {
        struct Broken: Error {}
        let harness = EngineHarness()
        harness.model.beforeForward = { _ in throw Broken() }
        let first = harness.submit(.forTests())
        harness.core.runStep()
        #expect(first.failure == .modelFailure("Broken()"))
        harness.model.beforeForward = { _ in }
        let second = harness.submit(.forTests())
        harness.run()
        #expect(second.finish() == .length)
    }

    @Test("a batch that mixes adapters and base gives each what it gets alone")
    func mixedAdapters() {
        let mixes: [AdapterMix] = [
            AdapterMix(), .forTests("a"), .forTests("b"), .forTests("a", "b"),
            .forTests("a", scale: 0.5), AdapterMix(), .forTests("a"), .forTests("b"),
        ]
        let requests = mixes.enumerated().map { index, mix in
            GenerationRequest.forTests(prompt: 18, salt: Int32(index), adapters: mix)
        }
        let harness = EngineHarness()
        let recorders = requests.map { harness.submit($0) }
        harness.run()
        for (request, recorder) in zip(requests, recorders) {
            #expect(recorder.events == EngineHarness.alone(request).events)
        }
        #expect(harness.model.faults == [])
        #expect(harness.model.batchSegments.max() == 4)
        #expect(harness.core.statistics.runningAdapters == [])
    }

    @Test("adapters are let go with the last request that names them, however it ends")
    func adaptersAreReleased() {
        for ending in 0..<4 {
            let harness = EngineHarness()
            weak var adapter: LoRAAdapter?
            var id = GenerationID(value: -1)
            do {
                let mix = AdapterMix.forTests("a")
                adapter = mix.entries.first?.adapter
                id = harness.submit(.forTests(prompt: 70, maxTokens: 4, adapters: mix)).id
            }
            #expect(adapter != nil)
            if ending > 0 { harness.core.runStep() }
            switch ending {
            case 0, 1: harness.core.cancel(id)
            case 2: harness.core.failAll(.stopping)
            default: harness.run()
            }
            #expect(adapter == nil)
        }
    }
}
