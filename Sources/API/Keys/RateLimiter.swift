import Synchronization

/// Counts what each key uses, and refuses what is beyond its limits.
final class RateLimiter: Sendable {
    /// What one key has left.
    struct Account: Sendable {
        var limits: KeyLimits
        var requests: TokenBucket?
        var tokens: TokenBucket?
        var running = 0

        init(_ limits: KeyLimits, now: ContinuousClock.Instant) {
            self.limits = limits
            requests = limits.requestsPerMinute.map { TokenBucket(capacity: $0, now: now) }
            tokens = limits.tokensPerMinute.map { TokenBucket(capacity: $0, now: now) }
        }
    }

    private let accounts = Mutex<[String: Account]>([:])

    /// Lets a request in, or says when to come again.
    ///
    /// The admission counts as a running request until it is let go.
    func admit(_ key: APIKey, now: ContinuousClock.Instant) throws(APIError) -> Admission {
        let problem = accounts.withLock { accounts in
            var account = accounts[key.id] ?? Account(key.limits, now: now)
            if account.limits != key.limits {
                let running = account.running
                account = Account(key.limits, now: now)
                account.running = running
            }
            let problem = account.admit(now: now)
            accounts[key.id] = account
            return problem
        }
        if let problem { throw problem }
        return Admission(limiter: self, keyID: key.id)
    }

    /// Changes the account of a key whose request was admitted.
    func update<Value: Sendable>(
        _ keyID: String,
        _ body: (inout Account) -> Value
    ) -> Value? {
        accounts.withLock { accounts in
            guard var account = accounts[keyID] else { return nil }
            let value = body(&account)
            accounts[keyID] = account
            return value
        }
    }
}

extension RateLimiter.Account {
    /// Takes one request from the allowance; the error where there is none.
    fileprivate mutating func admit(now: ContinuousClock.Instant) -> APIError? {
        requests?.refill(now: now)
        tokens?.refill(now: now)
        if let limit = limits.parallelRequests, running >= limit {
            return refused("parallel requests", limit: limit, wait: .seconds(1))
        }
        if let bucket = requests, bucket.remaining < 1 {
            return refused("requests per minute", limit: bucket.capacity, wait: bucket.wait(for: 1))
        }
        if let bucket = tokens, bucket.remaining < 1 {
            return refused("tokens per minute", limit: bucket.capacity, wait: bucket.wait(for: 1))
        }
        requests?.take(1)
        running += 1
        return nil
    }

    /// Takes the tokens of a prompt; the error where they are not there.
    mutating func takePrompt(_ count: Int, now: ContinuousClock.Instant) -> APIError? {
        tokens?.refill(now: now)
        guard let bucket = tokens else { return nil }
        let wait = bucket.wait(for: count)
        guard wait == .zero else {
            return refused("tokens per minute", limit: bucket.capacity, wait: wait)
        }
        tokens?.take(count)
        return nil
    }

    private func refused(_ what: String, limit: Int, wait: Duration) -> APIError {
        let seconds = Int(saturating: (wait / .seconds(1)).rounded(.up))
        var error = APIError.tooManyRequests(
            "Rate limit reached: at most \(limit) \(what) for this API key. Please try again in "
                + "\(max(1, seconds))s.",
            type: what.hasPrefix("tokens") ? "tokens" : "requests",
            retryAfter: seconds
        )
        error.headers.merge(headers)
        return error
    }

    /// `x-ratelimit-…` as OpenAI sends them, for the limits there are.
    var headers: HTTPHeaders {
        var headers = HTTPHeaders()
        for (name, bucket) in [("requests", requests), ("tokens", tokens)] {
            guard let bucket else { continue }
            headers["x-ratelimit-limit-\(name)"] = "\(bucket.capacity)"
            headers["x-ratelimit-remaining-\(name)"] = "\(bucket.remaining)"
            headers["x-ratelimit-reset-\(name)"] = Self.text(bucket.timeToFull)
        }
        return headers
    }

    /// A time as OpenAI writes it: `1s`, `6m0s`, `120ms`.
    private static func text(_ duration: Duration) -> String {
        let milliseconds = Int(saturating: (duration / .milliseconds(1)).rounded(.up))
        if milliseconds < 1000 { return "\(milliseconds)ms" }
        let seconds = (milliseconds + 999) / 1000
        return seconds < 60 ? "\(seconds)s" : "\(seconds / 60)m\(seconds % 60)s"
    }
}

/// A request that was let in: it holds one of the key's parallel places until it is let go.
final class Admission: Sendable {
    private let limiter: RateLimiter
    private let keyID: String

    fileprivate init(limiter: RateLimiter, keyID: String) {
        self.limiter = limiter
        self.keyID = keyID
    }

    deinit {
        _ = limiter.update(keyID) { $0.running -= 1 }
    }

    /// Takes the tokens of the prompts before they are computed.
    func takePrompt(tokens: Int, now: ContinuousClock.Instant = .now) throws(APIError) {
        let problem = limiter.update(keyID) { $0.takePrompt(tokens, now: now) }
        if case .some(.some(let error)) = problem { throw error }
    }

    /// Charges tokens of answers, which are known only afterwards.
    func charge(tokens: Int) {
        _ = limiter.update(keyID) { $0.tokens?.take(tokens) }
    }

    /// What is left, for the response.
    var headers: HTTPHeaders { limiter.update(keyID) { $0.headers } ?? [:] }
}
