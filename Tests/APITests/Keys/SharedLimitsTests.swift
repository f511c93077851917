import Storage
import TestSupport
import Testing

@testable import API

/// Limits of keys that servers share; runs where `FACET_TEST_DATABASE` names a database.
@Suite("Limits of keys that servers share", .enabled(if: TestDatabase.url != nil))
struct SharedLimitsTests {
    private func table(_ folder: TemporaryFolder) throws -> KeyTable {
        try KeyTable(url: TestDatabase.schema(for: folder.path, in: TestDatabase.url ?? ""))
    }

    @Test("two servers together let in what one would, to a tenth of the limit")
    func requests() async throws {
        let folder = try TemporaryFolder()
        let table = try table(folder)
        let key = try table.create(
            tenant: "acme",
            limits: KeyLimits(requestsPerMinute: 100)
        ).key
        let servers = [RateLimiter(usage: table), RateLimiter(usage: try self.table(folder))]
        let started = ContinuousClock.now
        var admitted = 0
        for round in 0..<200 {
            let limiter = servers[round % 2]
            await limiter.provide(key, tokens: 1, now: .now)
            if (try? limiter.admit(key, now: .now)) != nil { admitted += 1 }
        }
        let seconds = started.duration(to: .now) / .seconds(1)
        #expect(Double(admitted) <= 100 + seconds * 100 / 60 + 1)
        #expect(admitted >= 90)
    }

    @Test("a prompt that all servers' tokens would not cover is refused, with the time to wait")
    func tokens() async throws {
        let folder = try TemporaryFolder()
        let table = try table(folder)
        let key = try table.create(tenant: "acme", limits: KeyLimits(tokensPerMinute: 1000)).key
        let servers = [RateLimiter(usage: table), RateLimiter(usage: try self.table(folder))]
        await servers[0].provide(key, tokens: 1, now: .now)
        let first = try servers[0].admit(key, now: .now)
        await first.provide(tokens: 800)
        try first.takePrompt(tokens: 800)
        await servers[1].provide(key, tokens: 1, now: .now)
        let second = try servers[1].admit(key, now: .now)
        await second.provide(tokens: 800)
        let error = #expect(throws: APIError.self) { try second.takePrompt(tokens: 800) }
        #expect(error?.status == .tooManyRequests)
        #expect(error?.headers["retry-after"].flatMap { Int($0) }.map { $0 > 10 } == true)
        #expect(second.headers["x-ratelimit-limit-tokens"] == "1000")
    }
}
