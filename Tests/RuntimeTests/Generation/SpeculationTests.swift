@testable import InferenceRuntime
import TestSupport
import Testing

/// Guessing ahead: the same bits with and without, in fewer steps.
@Suite("Speculation")
struct SpeculationTests {
    typealias Subject = BatchInvarianceTests.Subject

    @Test(
        "the real model gives the same answers, with the same log-probabilities",
        arguments: [ComputeDType.fp32, .int8]
    )
    func sameBits(_ compute: ComputeDType) throws {
        let subject = try Subject(compute, threads: 2)
        var requests = Array(subject.requests[..<8])
        for index in requests.indices {
            requests[index].maxTokens = 40
            // Models of random weights soon repeat themselves where they are greedy.
            if index % 2 == 0 { requests[index].sampling.temperature = 0 }
        }
        for request in requests {
            let alone = subject.alone(request)
            for count in [1, 3, 7] {
                let limits = SchedulerLimits.forTests(
                    maxBatch: 4,
                    chunkTokens: 512,
                    logitRows: 100,
                    speculation: .fixed(count)
                )
                let guessed = subject.run([request], limits)[0]
                #expect(guessed.samples == alone.samples && guessed.isComplete)
            }
        }
        let limits = SchedulerLimits.forTests(logitRows: 40, speculation: .fixed(3))
        let together = subject.run(requests, limits)
        for (request, run) in zip(requests, together) {
            #expect(run.samples == subject.alone(request).samples)
        }
    }

    @Test("a text that repeats itself takes a fraction of the steps")
    func fewerSteps() {
        let script: ([Int32]) -> [Float] = { tokens in
            (0..<97).map { $0 == tokens[tokens.count - 11] ? 9 : 0 }
        }
        let request = GenerationRequest.forTests(maxTokens: 80, sampling: .greedy)
        var steps: [Int] = []
        for speculation in [Speculation.off, .fixed(3), .fixed(7)] {
            let limits = SchedulerLimits.forTests(speculation: speculation)
            let harness = EngineHarness(limits: limits, script: script)
            let recorder = harness.submit(request)
            steps.append(harness.run())
            #expect(recorder.tokens().count == 80)
            #expect(recorder.usage()?.completionTokens == 80)
            let statistics = harness.core.statistics
            #expect(statistics.generationTokens == 80)
            #expect(statistics.acceptedTokens <= statistics.draftedTokens)
            #expect((statistics.drafts > 0) == (speculation != .off))
        }
        #expect(steps[0] == 80 && steps[1] < 30 && steps[2] < 20, "\(steps)")
    }

    @Test("what a grammar forces is guessed, and the answer is the same")
    func forced() throws {
        let grammar = try GrammarFixture.schema(
            #"{"type":"object","properties":{"customer_number":{"type":"integer"},"delivery_address":{"enum":["home"]}},"required":["customer_number","delivery_address"],"additionalProperties":false}"#
        )
        var request = GenerationRequest.forTests(maxTokens: 200)
        request.sampling = SamplingParameters(temperature: 1, seed: 3)
        request.stopTokens = [GrammarFixture.endID]
        request.constraint = grammar
        // A trained model writes the longest tokens, as its tokenizer does.
        let lengths = (0..<Int32(GrammarFixture.trie.vocabularySize)).map { id in
            Float(GrammarFixture.trie.piece(id).count)
        }
        var tokens: [[Int32]] = []
        var steps: [Int] = []
        for speculation in [Speculation.off, .fixed(7)] {
            let harness = EngineHarness(
                blocks: 256,
                limits: .forTests(speculation: speculation),
                vocabularySize: GrammarFixture.trie.vocabularySize,
                script: { _ in lengths.map { 4 * $0 } }
            )
            let recorder = harness.submit(request)
            steps.append(harness.run())
            #expect(recorder.finish() == .stop)
            tokens.append(recorder.tokens())
        }
        #expect(tokens[0] == tokens[1])
        #expect(steps[1] * 2 < steps[0], "\(steps)")
    }

    @Test("guessing stops where it is never right, and goes on where it is")
    func pays() {
        var steps = StepCost()
        for rows in 1...8 { steps.count(rows: rows, .milliseconds(10 + rows)) }
        #expect(steps.bestDraft(acceptance: 0.9, rows: 1, tokens: 1) == 7)
        #expect(steps.bestDraft(acceptance: 0.01, rows: 1, tokens: 1) == 0)
        #expect(steps.bestDraft(acceptance: 0.9, rows: 8, tokens: 8) == 0)
        var drafter = Drafter(capacity: 1_000)
        let tokens: [Int32] = [1, 2, 3, 4, 1, 2, 3]
        var drafted = 0
        for _ in 0..<500 where drafter.isDue(cost: 0.3) {
            drafter.draft(after: tokens, forced: [], atMost: 3)
            #expect(drafter.rows == [3, 4, 1, 2])
            drafter.learn(accepted: 0)
            drafted += 1
        }
        #expect((5...20).contains(drafted), "\(drafted)")
        for _ in 0..<9 {
            drafter.draft(after: tokens, forced: [], atMost: 3)
            drafter.learn(accepted: 3)
        }
        #expect((0..<9).allSatisfy { _ in drafter.isDue(cost: 0.3) })
    }

    @Test("the index finds the last place where the same tokens stood")
    func index() {
        var random = TinyRandom(state: 4)
        var index = SuffixIndex(capacity: 600)
        var tokens: [Int32] = []
        var found = 0
        for _ in 0..<600 {
            tokens.append(Int32.random(in: 0...3, using: &random))
            let run = Array(tokens.suffix(3))
            let last = (3..<max(3, tokens.count)).last { Array(tokens[($0 - 3)..<$0]) == run }
            let place = index.continuation(of: tokens)
            // Another run may have taken its room; what is found is right.
            if let place {
                #expect(place == last)
                found += 1
            }
        }
        #expect(found > 400)
    }
}
