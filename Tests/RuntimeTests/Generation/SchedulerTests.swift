@testable import InferenceRuntime
import Testing

/// A scheduler and what it decides, written down step by step.
private struct Transcript {
    var scheduler: Scheduler
    var step = Step()
    var names: [GenerationID: String] = [:]
    var ids: [String: GenerationID] = [:]

    init(blocks: Int = 64, _ limits: SchedulerLimits = .forTests()) {
        scheduler = Scheduler(limits: limits, blocks: blocks)
    }

    mutating func submit(_ name: String, _ request: GenerationRequest) throws {
        let id = GenerationID(value: names.count)
        try scheduler.submit(request, id: id, cacheVariant: [])
        names[id] = name
        ids[name] = id
    }

    /// Decides a step, reports it computed with token 7 drawn everywhere, and tells of it:
    /// `a[0..<20]` rows without logits wanted at the end, `a[0..<20]!` with.
    mutating func next() -> String {
        scheduler.next(into: &step)
        var words: [String] = []
        for part in step.parts {
            let owner = scheduler.owner(part.sequence)
            let mark = part.logitRows > 0 ? "!" : ""
            let name = names[owner.request, default: "?"]
            words.append("\(name)[\(part.start)..<\(part.end)]\(mark)")
            if scheduler.advance(part) == .draw { _ = scheduler.accept(part.sequence, 7) }
        }
        return words.joined(separator: " ")
    }
}

@Suite("Scheduler")
struct SchedulerTests {
    @Test("reads a prompt, then decodes it row by row to its length")
    func oneRequest() throws {
        var transcript = Transcript()
        try transcript.submit("a", .forTests(prompt: 20, maxTokens: 3))
        #expect(transcript.next() == "a[0..<20]!")
        #expect(transcript.next() == "a[20..<21]!")
        #expect(transcript.next() == "a[21..<22]!")
        #expect(transcript.next() == "")
        #expect(transcript.scheduler.isIdle)
        #expect(transcript.scheduler.cache.heldCount == 0)
    }

    @Test("a long prompt is read in chunks, smaller ones beside answers")
    func chunks() throws {
        var transcript = Transcript()
        try transcript.submit("a", .forTests(prompt: 10, maxTokens: 9))
        #expect(transcript.next() == "a[0..<10]!")
        try transcript.submit("b", .forTests(prompt: 100, salt: 1, maxTokens: 2))
        #expect(transcript.next() == "a[10..<11]! b[0..<32]")
        #expect(transcript.next() == "a[11..<12]! b[32..<64]")
        #expect(transcript.next() == "a[12..<13]! b[64..<96]")
        #expect(transcript.next() == "a[13..<14]! b[96..<100]!")
        #expect(transcript.next() == "a[14..<15]! b[100..<101]!")
    }

    @Test("rows of one adapter are adjacent, whoever came first")
    func segments() throws {
        var transcript = Transcript()
        try transcript.submit("a1", .forTests(adapters: .forTests("a")))
        try transcript.submit("base", .forTests())
        try transcript.submit("b1", .forTests(adapters: .forTests("b")))
        try transcript.submit("a2", .forTests(salt: 1, adapters: .forTests("a")))
        _ = transcript.next()
        #expect(transcript.next() == "base[20..<21]! a1[20..<21]! a2[4..<20]! b1[20..<21]!")
        #expect(transcript.step.parts.map(\.mix) == [0, 1, 1, 2])
    }

    @Test("a prompt that was read before is taken from the cache, but for its last token")
    func prefixHit() throws {
        var transcript = Transcript()
        try transcript.submit("a", .forTests(prompt: 32, maxTokens: 1))
        #expect(transcript.next() == "a[0..<32]!")
        try transcript.submit("b", .forTests(prompt: 32, maxTokens: 1))
        #expect(transcript.next() == "b[16..<32]!")
        try transcript.submit("c", .forTests(prompt: 40, maxTokens: 1))
        #expect(transcript.next() == "c[32..<40]!")
        try transcript.submit("d", .forTests(prompt: 32, maxTokens: 1, tenant: "other"))
        #expect(transcript.next() == "d[0..<32]!")
    }

    @Test("the shortest rest goes first, but the oldest reader keeps a quarter")
    func shortestFirst() throws {
        var transcript = Transcript()
        try transcript.submit("long", .forTests(prompt: 200, maxTokens: 1))
        #expect(transcript.next() == "long[0..<64]")
        try transcript.submit("short", .forTests(prompt: 50, salt: 1, maxTokens: 1))
        #expect(transcript.next() == "short[0..<48] long[64..<80]")
        #expect(transcript.next() == "short[48..<50]! long[80..<142]")
    }

    @Test("when blocks run out the youngest goes back, and is read again later")
    func preemption() throws {
        // Two sequences grow to 4 blocks each, and there are 5.
        var transcript = Transcript(blocks: 5, .forTests(contextTokens: 80))
        try transcript.submit("a", .forTests(prompt: 16, maxTokens: 40))
        _ = transcript.next()
        try transcript.submit("b", .forTests(prompt: 16, salt: 1, maxTokens: 40))
        var story: [String] = []
        while !transcript.scheduler.isIdle { story.append(transcript.next()) }
        #expect(transcript.scheduler.preemptions == 1)
        #expect(story.contains("a[48..<49]!"))
        // b comes back with its prompt and all it had drawn, after a has ended.
        let comeback = story.firstIndex { $0.hasPrefix("b[") && $0.hasSuffix("]!") }
        #expect(comeback != nil)
        #expect(story.last == "b[54..<55]!")
        #expect(transcript.scheduler.cache.heldCount == 0)
    }

    @Test("a flood from one tenant does not keep another waiting")
    func fairness() throws {
        var transcript = Transcript(.forTests(maxBatch: 4))
        for index in 0..<20 {
            try transcript.submit(
                "flood",
                .forTests(salt: Int32(index), maxTokens: 400, tenant: "flood")
            )
        }
        for _ in 0..<10 { _ = transcript.next() }
        try transcript.submit("other", .forTests(maxTokens: 4, tenant: "other"))
        var waited = 0
        while !transcript.next().contains("other") { waited += 1 }
        #expect(waited < 20)
        #expect(transcript.scheduler.preemptions == 1)
    }

    @Test("tenants that wait take turns by what they used, not by how much they ask")
    func turns() throws {
        var transcript = Transcript(.forTests(maxBatch: 1, preemptionLead: 1000))
        for index in 0..<6 {
            try transcript.submit("a", .forTests(salt: Int32(index), maxTokens: 1, tenant: "a"))
        }
        for index in 0..<2 {
            try transcript.submit("b", .forTests(salt: Int32(index), maxTokens: 1, tenant: "b"))
        }
        let order = (0..<8).map { _ in String(transcript.next().prefix(1)) }
        #expect(order == ["a", "b", "a", "b", "a", "a", "a", "a"])
    }

    @Test("adapters of one tenant take turns too")
    func adapterTurns() throws {
        var transcript = Transcript(.forTests(maxBatch: 1, preemptionLead: 1000))
        for (name, count) in [("a", 4), ("b", 2)] {
            for index in 0..<count {
                let request = GenerationRequest.forTests(
                    salt: Int32(index),
                    maxTokens: 1,
                    adapters: .forTests(name)
                )
                try transcript.submit(name, request)
            }
        }
        let order = (0..<6).map { _ in String(transcript.next().prefix(1)) }
        #expect(order == ["a", "b", "a", "b", "a", "a"])
    }

    @Test("cancelled while it waits, is read or decodes, a request leaves nothing behind")
    func cancellation() throws {
        for steps in 0..<4 {
            var transcript = Transcript()
            try transcript.submit("a", .forTests(prompt: 80, maxTokens: 20, choices: 3))
            for _ in 0..<steps { _ = transcript.next() }
            let id = try #require(transcript.ids["a"])
            transcript.scheduler.cancel(id)
            #expect(transcript.scheduler.isIdle)
            #expect(transcript.scheduler.cache.heldCount == 0)
            #expect(transcript.next() == "")
        }
    }

    @Test("a prompt beyond the context is refused with the numbers")
    func tooLong() {
        var transcript = Transcript()
        #expect(throws: EngineError.contextLengthExceeded(promptTokens: 513, limit: 512)) {
            try transcript.submit("a", .forTests(prompt: 513))
        }
        #expect(throws: EngineError.contextLengthExceeded(promptTokens: 512, limit: 512)) {
            try transcript.submit("a", .forTests(prompt: 512))
        }
        #expect(throws: Never.self) {
            try transcript.submit("a", .forTests(prompt: 512, maxTokens: 0))
        }
        #expect(throws: EngineError.self) { try transcript.submit("a", .forTests(prompt: 0)) }
    }
}
