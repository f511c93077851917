import Glibc
@testable import InferenceRuntime
import Synchronization
import TestSupport
import Testing

@Suite("Training on the engine's thread")
struct TrainingSlotTests {
    func engine() throws -> Engine {
        let configuration = EngineConfiguration(limits: .forTests(), kvBlocks: 64)
        return try Engine(configuration: configuration, vocabularySize: 97) {
            ScriptedModel(blocks: 64, maxLogitRows: configuration.limits.logitRows)
        }
    }

    @Test("a slice runs while nothing is to be served, and gives its result")
    func result() async throws {
        let engine = try engine()
        let value = try await engine.runTraining { slot in
            for _ in 0..<10 { try slot.yield() }
            return 42
        }
        #expect(value == 42)
        #expect(engine.statistics.trainingSlices == 1)
        await engine.stop(draining: true)
    }

    @Test("what comes in during a slice is served from within it, with the same tokens")
    func servesWithin() async throws {
        let engine = try engine()
        let request = GenerationRequest.forTests(prompt: 40, maxTokens: 20)
        let isServed = CancellationFlag()
        let isRunning = CancellationFlag()
        async let slice: Int = engine.runTraining { slot in
            isRunning.set()
            var layers = 0
            while !isServed.isSet {
                usleep(1000)
                layers += 1
                try slot.yield()
            }
            return layers
        }
        while !isRunning.isSet { await Task.yield() }
        var events: [GenerationEvent] = []
        for await event in try engine.generate(request) { events.append(event) }
        isServed.set()
        #expect(events == EngineHarness.alone(request).events)
        #expect(try await slice > 0)
        #expect(engine.statistics.stepsWithinTraining >= 20)
        await engine.stop(draining: true)
    }

    @Test("an error ends the slice and leaves the engine working")
    func error() async throws {
        struct Diverged: Error {}
        let engine = try engine()
        await #expect(throws: Diverged.self) {
            try await engine.runTraining { _ in throw Diverged() }
        }
        #expect(try await engine.runTraining { _ in 1 } == 1)
    }

    @Test("jobs that ask slice by slice take turns")
    func turns() async throws {
        let engine = try engine()
        let order = Order()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for job in 0..<2 {
                group.addTask {
                    for _ in 0..<10 {
                        try await engine.runTraining { slot in
                            usleep(3000)
                            try slot.yield()
                            order.append(job)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        let taken = order.taken
        let changes = zip(taken, taken.dropFirst()).count { $0 != $1 }
        #expect(changes >= 10)
    }

    @Test("cancelling the task ends a running slice at its next yield, a waiting one at once")
    func cancellation() async throws {
        let engine = try engine()
        let isRunning = CancellationFlag()
        let running = Task {
            try await engine.runTraining { slot in
                isRunning.set()
                while true {
                    usleep(500)
                    try slot.yield()
                }
            }
        }
        while !isRunning.isSet { await Task.yield() }
        let waiting = Task { try await engine.runTraining { _ in 1 } }
        try await Task.sleep(for: .milliseconds(5))
        waiting.cancel()
        running.cancel()
        await #expect(throws: CancellationError.self) { try await running.value }
        await #expect(throws: CancellationError.self) { try await waiting.value }
    }

    @Test("stopping ends slices with an error")
    func stopping() async throws {
        let engine = try engine()
        let slice = Task {
            try await engine.runTraining { slot in
                while true {
                    usleep(500)
                    try slot.yield()
                }
            }
        }
        try await Task.sleep(for: .milliseconds(10))
        await engine.stop(draining: true)
        await #expect(throws: EngineError.stopping) { try await slice.value }
        await #expect(throws: EngineError.stopping) { try await engine.runTraining { _ in 1 } }
    }
}

/// Who came when.
private final class Order: Sendable {
    private let state = Mutex<[Int]>([])

    var taken: [Int] { state.withLock { $0 } }

    func append(_ job: Int) { state.withLock { $0.append(job) } }
}
