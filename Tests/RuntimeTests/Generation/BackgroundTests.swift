@testable import InferenceRuntime
import Testing

@Suite("Requests in the background")
struct BackgroundTests {
    /// Submits requests by number and computes steps, token 7 drawn everywhere.
    private struct Run {
        var scheduler: Scheduler
        var step = Step()

        init(maxBatch: Int = 4, blocks: Int = 64) {
            scheduler = Scheduler(limits: .forTests(maxBatch: maxBatch), blocks: blocks)
        }

        mutating func submit(_ id: Int, isBackground: Bool, tokens: Int = 100) throws {
            var request = GenerationRequest.forTests(
                prompt: 20,
                salt: Int32(id),
                maxTokens: tokens
            )
            request.isBackground = isBackground
            try scheduler.submit(request, id: GenerationID(value: id), cacheVariant: [])
        }

        /// The requests that have a part in the next step.
        mutating func next() -> Set<Int> {
            scheduler.next(into: &step)
            let parts = step.parts
            return Set(
                parts.map { part in
                    let id = scheduler.owner(part.sequence).request.value
                    if scheduler.advance(part) == .draw { _ = scheduler.accept(part.sequence, 7) }
                    return id
                }
            )
        }
    }

    @Test("alone they have every step, beside others one in eight")
    func steps() throws {
        var run = Run()
        try run.submit(0, isBackground: true)
        try run.submit(1, isBackground: true)
        for _ in 0..<5 { #expect(run.next() == [0, 1]) }
        try run.submit(2, isBackground: false, tokens: 16)
        let story = (0..<16).map { _ in run.next() }
        #expect(story.allSatisfy { $0.contains(2) })
        #expect(story.count { $0.contains(0) } == 2 && story.count { $0.contains(1) } == 2)
        #expect(run.next() == [0, 1])
    }

    @Test("they are admitted after others, and give their places to them")
    func places() throws {
        var run = Run(maxBatch: 2)
        try run.submit(0, isBackground: true)
        try run.submit(1, isBackground: true)
        #expect(run.next() == [0, 1])
        try run.submit(2, isBackground: true)
        try run.submit(3, isBackground: false, tokens: 4)
        try run.submit(4, isBackground: false, tokens: 4)
        for _ in 0..<4 { #expect(run.next() == [3, 4]) }
        #expect(run.scheduler.preemptions == 2)
        #expect(run.next() == [0, 1], "they go on before the one that waits")
    }

    @Test("whatever goes on before them, each comes to its end and nothing is held afterwards")
    func ends() throws {
        var run = Run(maxBatch: 3, blocks: 40)
        for id in 0..<12 { try run.submit(id, isBackground: id % 3 != 0, tokens: 40) }
        var steps = 0
        while !run.scheduler.isIdle, steps < 5_000 {
            #expect(!run.next().isEmpty)
            steps += 1
        }
        #expect(run.scheduler.isIdle)
        #expect(run.scheduler.cache.heldCount == 0)
    }

    @Test("what they used does not count against their tenant's other requests")
    func shares() throws {
        var queue = FairQueue()
        let below = queue.lane(tenant: "a", mix: 0, isBackground: true)
        let own = queue.lane(tenant: "a", mix: 0)
        let other = queue.lane(tenant: "b", mix: 0)
        #expect(below != own)
        queue.enqueue(SequenceID(slot: 0, generation: 0), lane: below, first: false)
        queue.charge(below, tokens: 1_000)
        queue.enqueue(SequenceID(slot: 1, generation: 0), lane: other, first: false)
        queue.charge(other, tokens: 10)
        queue.enqueue(SequenceID(slot: 2, generation: 0), lane: own, first: false)
        #expect(queue.used(byTenantOf: own) <= 10)
        #expect(queue.next == own || queue.next == other)
    }
}
