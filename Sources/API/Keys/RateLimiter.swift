import Synchronization

/// Counts what each key uses, and refuses what is beyond its limits.
final class RateLimiter: Sendable {
    /// What one key has left.
    struct Account: Sendable {
        var limits: KeyLimits
        var requests: TokenBucket?
        var tokens: TokenBucket?
        var running = 0
        /// Whether more of a shared allowance has been asked for already.
        var isAsking = false

        init(_ limits: KeyLimits, isShared: Bool, now: ContinuousClock.Instant) {
            self.limits = limits
            func bucket(_ capacity: Int) -> TokenBucket {
                isShared
                    ? TokenBucket(sharing: capacity, now: now)
                    : TokenBucket(capacity: capacity, now: now)
            }
            requests = limits.requestsPerMinute.map(bucket)
            tokens = limits.tokensPerMinute.map(bucket)
        }
    }

    private let accounts = Mutex<[String: Account]>([:])
    /// Where servers keep what keys have left together; `nil`: this server counts alone.
    private let usage: KeyTable?

    init(usage: KeyTable? = nil) { self.usage = usage }

    /// Brings as much of a key's allowance here as the next step takes, where servers share it.
    ///
    /// While their database is away each server counts for itself.
    func provide(_ key: APIKey, tokens: Int, now: ContinuousClock.Instant) async {
        guard let usage else { return }
        let wanted = accounts.withLock { accounts -> (AllowanceRequest?, AllowanceRequest?) in
            var account = account(of: key, in: accounts, now: now)
            let isFirst = !account.isAsking
            let wanted = (
                account.requests?.want(for: 1, aTenthMore: isFirst),
                account.tokens?.want(for: max(1, tokens), aTenthMore: isFirst)
            )
            if wanted.0 != nil || wanted.1 != nil { account.isAsking = true }
            accounts[key.id] = account
            return wanted
        }
        guard wanted.0 != nil || wanted.1 != nil else { return }
        let grant = try? await usage.take(key.id, requests: wanted.0, tokens: wanted.1)
        _ = update(key.id) { account in
            account.isAsking = false
            guard let grant else {
                account.requests?.standIn(now: now)
                account.tokens?.standIn(now: now)
                return
            }
            if let requests = grant.requests {
                account.requests?.add(requests.granted, left: requests.left, now: now)
            }
            if let tokens = grant.tokens {
                account.tokens?.add(tokens.granted, left: tokens.left, now: now)
            }
        }
    }

    private func account(
        of key: APIKey,
        in accounts: [String: Account],
        now: ContinuousClock.Instant
    ) -> Account {
        let known = accounts[key.id]
        if let known, known.limits == key.limits { return known }
        var account = Account(key.limits, isShared: usage != nil, now: now)
        account.running = known?.running ?? 0
        return account
    }

    /// Lets a request in, or says when to come again.
    ///
    /// The admission counts as a running request until it is let go.
    func admit(_ key: APIKey, now: ContinuousClock.Instant) throws(APIError) -> Admission {
        let problem = accounts.withLock { accounts in
            var account = account(of: key, in: accounts, now: now)
            let problem = account.admit(now: now)
            accounts[key.id] = account
            return problem
        }
        if let problem { throw problem }
        return Admission(limiter: self, key: key)
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
        if let bucket = requests, !bucket.has(1) {
            return refused("requests per minute", limit: bucket.capacity, wait: bucket.wait(for: 1))
        }
        if let bucket = tokens, !bucket.has(1) {
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
        guard bucket.has(count) else {
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
    private let key: APIKey

    fileprivate init(limiter: RateLimiter, key: APIKey) {
        self.limiter = limiter
        self.key = key
    }

    deinit {
        _ = limiter.update(key.id) { $0.running -= 1 }
    }

    /// Brings the tokens of the prompts here where servers share an allowance.
    func provide(tokens: Int) async { await limiter.provide(key, tokens: tokens, now: .now) }

    /// Takes the tokens of the prompts before they are computed.
    func takePrompt(tokens: Int, now: ContinuousClock.Instant = .now) throws(APIError) {
        let problem = limiter.update(key.id) { $0.takePrompt(tokens, now: now) }
        if case .some(.some(let error)) = problem { throw error }
    }

    /// Charges tokens of answers, which are known only afterwards.
    func charge(tokens: Int) {
        _ = limiter.update(key.id) { $0.tokens?.take(tokens) }
    }

    /// What is left, for the response.
    var headers: HTTPHeaders { limiter.update(key.id) { $0.headers } ?? [:] }
}
