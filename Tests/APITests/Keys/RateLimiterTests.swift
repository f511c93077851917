@testable import API
import Storage
import Testing

@Suite("Limits of keys")
struct RateLimiterTests {
    private let start = ContinuousClock.now

    private func key(_ limits: KeyLimits) -> APIKey {
        APIKey.make(tenant: TenantID("t"), rights: [.infer], limits: limits).key
    }

    @Test("requests beyond the minute's allowance are refused until more has run in")
    func requests() throws {
        let limiter = RateLimiter()
        let key = key(KeyLimits(requestsPerMinute: 2))
        var admissions = [try limiter.admit(key, now: start), try limiter.admit(key, now: start)]
        let error = #expect(throws: APIError.self) { try limiter.admit(key, now: start) }
        #expect(error?.status == .tooManyRequests)
        #expect(error?.headers["retry-after"] == "30")
        #expect(error?.headers["x-ratelimit-remaining-requests"] == "0")
        #expect(error?.headers["x-ratelimit-limit-requests"] == "2")
        #expect(error?.headers["x-ratelimit-reset-requests"] == "1m0s")
        admissions.append(try limiter.admit(key, now: start + .seconds(30)))
        #expect(admissions.count == 3)
    }

    @Test("parallel requests count until they are let go")
    func parallel() throws {
        let limiter = RateLimiter()
        let key = key(KeyLimits(parallelRequests: 1))
        do {
            let admission = try limiter.admit(key, now: start)
            #expect(throws: APIError.self) { try limiter.admit(key, now: start) }
            withExtendedLifetime(admission) {}
        }
        _ = try limiter.admit(key, now: start)
    }

    @Test("tokens are taken before and charged after, and may be overdrawn")
    func tokens() throws {
        let limiter = RateLimiter()
        let key = key(KeyLimits(tokensPerMinute: 60))
        let admission = try limiter.admit(key, now: start)
        try admission.takePrompt(tokens: 50, now: start)
        #expect(throws: APIError.self) { try admission.takePrompt(tokens: 20, now: start) }
        admission.charge(tokens: 30)
        #expect(admission.headers["x-ratelimit-remaining-tokens"] == "0")
        #expect(throws: APIError.self) { try limiter.admit(key, now: start) }
        // 20 tokens too many, one a second: the 21st second brings the first one back.
        #expect(throws: APIError.self) { try limiter.admit(key, now: start + .seconds(20)) }
        _ = try limiter.admit(key, now: start + .seconds(22))
    }

    @Test("the largest limits are limits like others", arguments: [Int.max, Int.max - 1, 1 << 53])
    func largest(limit: Int) throws {
        let limits = KeyLimits(
            requestsPerMinute: limit,
            tokensPerMinute: limit,
            parallelRequests: limit,
            storedBytes: limit
        )
        let limiter = RateLimiter()
        let admission = try limiter.admit(key(limits), now: start)
        #expect(Int(admission.headers["x-ratelimit-remaining-requests"] ?? "") ?? 0 >= limit - 1024)
        try admission.takePrompt(tokens: limit, now: start)
        admission.charge(tokens: limit)
        admission.charge(tokens: limit)
        #expect(admission.headers["x-ratelimit-remaining-tokens"] == "0")
        #expect(throws: APIError.self) { try admission.takePrompt(tokens: 1, now: start) }
    }

    @Test("a key that may use one token a minute can be overdrawn as far as counting goes")
    func overdrawn() throws {
        let limiter = RateLimiter()
        let key = key(KeyLimits(tokensPerMinute: 1))
        let admission = try limiter.admit(key, now: start)
        for _ in 0..<3 { admission.charge(tokens: .max) }
        let error = #expect(throws: APIError.self) { try limiter.admit(key, now: start) }
        #expect(Int(error?.headers["retry-after"] ?? "") ?? 0 > 0)
    }

    @Test("one key's use is nothing to another")
    func apart() throws {
        let limiter = RateLimiter()
        let limits = KeyLimits(requestsPerMinute: 1)
        let (one, other) = (key(limits), key(limits))
        _ = try limiter.admit(one, now: start)
        _ = try limiter.admit(other, now: start)
        #expect(throws: APIError.self) { try limiter.admit(one, now: start) }
    }
}
