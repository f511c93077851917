import Glibc
@testable import InferenceRuntime
import Synchronization
import TestSupport
import Testing

@Suite("Engine")
struct EngineTests {
    /// An engine over a scripted model; with a gate, every step waits at it.
    func engine(
        _ limits: SchedulerLimits = .forTests(),
        blocks: Int = 64,
        gate: Gate? = nil
    ) throws -> Engine {
        let configuration = EngineConfiguration(limits: limits, kvBlocks: blocks)
        return try Engine(configuration: configuration, vocabularySize: 97) {
            let model = ScriptedModel(
                blocks: configuration.kvBlocks,
                maxLogitRows: configuration.limits.logitRows
            )
            if let gate { model.beforeForward = { _ in gate.pass() } }
            return model
        }
    }

    func events(_ stream: GenerationStream) async -> [GenerationEvent] {
        var events: [GenerationEvent] = []
        for await event in stream { events.append(event) }
        return events
    }

    /// Waits until the engine has nothing left, at most five seconds.
    func settle(_ engine: Engine) async throws {
        for _ in 0..<500 {
            let now = engine.statistics
            if now.running == 0, now.waiting == 0 { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("the engine did not come to rest: \(engine.statistics)")
    }

    @Test("concurrent requests each get what they get alone")
    func concurrent() async throws {
        let engine = try engine()
        let requests = (0..<20).map { index in
            GenerationRequest.forTests(
                prompt: 10 + index,
                salt: Int32(index),
                adapters: index % 3 == 0 ? .forTests("a") : AdapterMix()
            )
        }
        let answers = try await withThrowingTaskGroup(of: (Int, [GenerationEvent]).self) { group in
            for (index, request) in requests.enumerated() {
                group.addTask { (index, await events(try engine.generate(request))) }
            }
            return try await group.reduce(into: [Int: [GenerationEvent]]()) { $0[$1.0] = $1.1 }
        }
        for (index, request) in requests.enumerated() {
            #expect(answers[index] == EngineHarness.alone(request).events)
        }
        #expect(engine.statistics.finished[.length] == 20)
        await engine.stop(draining: true)
    }

    @Test("ending the iteration ends the request, and its blocks come back")
    func endingIteration() async throws {
        let gate = Gate(after: 10)
        let engine = try engine(gate: gate)
        for await event in try engine.generate(.forTests(maxTokens: 400)) {
            if case .token = event { break }
        }
        gate.open()
        try await settle(engine)
        #expect(engine.statistics.generationTokens < 400)
        #expect(engine.statistics.kvBlocksUsed == 0)
        #expect(engine.statistics.finished[.cancelled] == 1)
    }

    @Test("cancelling the task that listens ends the request")
    func cancellingTask() async throws {
        let gate = Gate(after: 10)
        let engine = try engine(gate: gate)
        let task = Task { await events(try engine.generate(.forTests(maxTokens: 400))) }
        while engine.statistics.generationTokens < 5 { await Task.yield() }
        task.cancel()
        _ = try await task.value
        gate.open()
        try await settle(engine)
        #expect(engine.statistics.kvBlocksUsed == 0)
    }

    @Test("one choice can be ended while the others go on")
    func stoppingChoice() async throws {
        let gate = Gate(after: 10)
        let engine = try engine(gate: gate)
        let stream = try engine.generate(.forTests(maxTokens: 40, choices: 2))
        var counts = [0, 0]
        var reasons: [Int: FinishReason] = [:]
        for await event in stream {
            switch event {
            case .token(let choice, _):
                counts[choice] += 1
                guard choice == 0, counts[0] == 3 else { continue }
                stream.stop(choice: 0)
                gate.open()
            case .finished(let choice, let reason, _): reasons[choice] = reason
            default: break
            }
        }
        // Nothing more comes of the choice that was ended, not even that it was.
        #expect(reasons == [1: .length])
        #expect(counts == [3, 40])
        #expect(stream.isComplete)
        try await settle(engine)
        #expect(engine.statistics.finished == [.cancelled: 1, .length: 1])
    }

    @Test("however much one tenant asks for, another still gets in, and places come back")
    func tenantsShareTheQueue() async throws {
        let gate = Gate(after: 0)
        let engine = try engine(.forTests(maxBatch: 2, maxWaiting: 30), gate: gate)
        func ask(_ tenant: String, choices: Int) throws(EngineError) -> GenerationStream {
            try engine.generate(.forTests(maxTokens: 2, choices: choices, tenant: tenant))
        }
        var streams: [GenerationStream] = []
        for _ in 0..<4 { streams.append(try ask("greedy", choices: 8)) }
        #expect(throws: EngineError.queueFull(limit: 30)) { _ = try ask("greedy", choices: 1) }
        for tenant in ["b", "c", "d"] { streams.append(try ask(tenant, choices: 8)) }
        streams.append(try ask("e", choices: 4))
        // Alone a tenant may ask for more choices at once than there are places.
        streams.append(try ask("f", choices: 128))
        #expect(throws: EngineError.queueFull(limit: 30)) { _ = try ask("g", choices: 1) }
        streams = []
        gate.open()
        try await settle(engine)
        for _ in 0..<4 { streams.append(try ask("greedy", choices: 8)) }
        for stream in streams { #expect(await events(stream).count > 1) }
    }

    @Test("a prompt's hidden state comes with it, whatever is computed beside it")
    func embedding() async throws {
        let engine = try engine()
        func state(_ salt: Int32) async throws -> [Float]? {
            var request = GenerationRequest.forTests(prompt: 40, salt: salt, maxTokens: 0)
            request.embedsPrompt = true
            guard case .prompt(let summary)? = await events(try engine.generate(request)).first
            else { return nil }
            return summary.embedding
        }
        let alone = try await state(3)
        #expect(alone?.count == 8)
        let beside = try engine.generate(.forTests(salt: 9, maxTokens: 30))
        #expect(try await state(3) == alone)
        #expect(try await state(4) != alone)
        #expect(await events(beside).count > 30)
    }

    @Test("the queue is bounded, and refuses at once")
    func queueFull() async throws {
        let gate = Gate(after: 0)
        let engine = try engine(.forTests(maxBatch: 1, maxWaiting: 3), gate: gate)
        var streams: [GenerationStream] = []
        var refusals = 0
        for index in 0..<10 {
            do throws(EngineError) {
                let request = GenerationRequest.forTests(salt: Int32(index), maxTokens: 50)
                streams.append(try engine.generate(request))
            } catch {
                #expect(error == .queueFull(limit: 3))
                refusals += 1
            }
        }
        #expect(refusals >= 6)
        streams = []
        gate.open()
        try await settle(engine)
    }

    @Test(
        "values out of range are refused by name",
        arguments: [
            ("temperature", SamplingParameters(temperature: .nan)),
            ("temperature", SamplingParameters(temperature: -1)),
            ("top_p", SamplingParameters(topP: 1.5)),
            ("top_k", SamplingParameters(topK: -1)),
            ("repetition_penalty", SamplingParameters(repetitionPenalty: 0)),
            ("logit_bias", SamplingParameters(logitBias: [97: 1])),
            ("logit_bias", SamplingParameters(logitBias: [1: .infinity])),
            ("logprobs", SamplingParameters(logprobs: -1)),
        ]
    )
    func ranges(_ parameter: String, _ sampling: SamplingParameters) throws {
        let engine = try engine()
        do throws(EngineError) {
            _ = try engine.generate(.forTests(sampling: sampling))
            Issue.record("\(parameter) was accepted")
        } catch {
            guard case .invalidRequest(parameter, _) = error else {
                Issue.record("refused with \(error)")
                return
            }
        }
    }

    @Test("token ids beyond the vocabulary and empty or long prompts are refused")
    func prompts() throws {
        let engine = try engine()
        for prompt in [[97], [-1], [], [Int32](repeating: 1, count: 513)] {
            #expect(throws: EngineError.self) {
                try engine.generate(GenerationRequest(id: "x", prompt: prompt))
            }
        }
    }

    @Test("draining answers what was taken and refuses what comes later")
    func draining() async throws {
        let engine = try engine()
        let stream = try engine.generate(.forTests(maxTokens: 30))
        async let answer = events(stream)
        await engine.stop(draining: true)
        #expect(throws: EngineError.stopping) { try engine.generate(.forTests()) }
        let last = await answer.last
        guard case .finished(0, .length, _)? = last else {
            Issue.record("ended with \(String(describing: last))")
            return
        }
        await engine.stop(draining: false)  // a second time does no harm
    }

    @Test("stopping at once ends every request with an error")
    func stoppingAtOnce() async throws {
        let gate = Gate(after: 10)
        let engine = try engine(gate: gate)
        let stream = try engine.generate(.forTests(maxTokens: 400))
        async let answer = events(stream)
        async let stop: Void = engine.stop(draining: false)
        while (try? engine.generate(.forTests())) != nil { await Task.yield() }
        try await Task.sleep(for: .milliseconds(50))  // from the refusal to the message
        gate.open()
        await stop
        #expect(await answer.last == .failed(.stopping))
    }

    @Test("an idle engine uses no processor time")
    func idle() async throws {
        let engine = try engine()
        _ = await events(try engine.generate(.forTests()))
        let steps = engine.statistics.steps
        try await Task.sleep(for: .milliseconds(50))
        #expect(engine.statistics.steps == steps)
    }
}

/// Lets some steps of a model pass and holds the next until it is opened.
final class Gate: Sendable {
    private let state: Mutex<(left: Int, isOpen: Bool)>

    init(after steps: Int) {
        state = Mutex((steps, false))
    }

    func open() { state.withLock { $0.isOpen = true } }

    func pass() {
        while !state.withLock({ state in
            state.left -= 1
            return state.isOpen || state.left >= 0
        }) { usleep(500) }
    }
}
