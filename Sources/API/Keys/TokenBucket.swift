/// An allowance that fills up evenly: so much a minute, and no more than a minute's worth saved.
struct TokenBucket: Sendable {
    /// What a full bucket holds: the allowance of one minute.
    let capacity: Int
    private var level: Double
    private var filled: ContinuousClock.Instant

    init(capacity: Int, now: ContinuousClock.Instant) {
        self.capacity = capacity
        level = Double(capacity)
        filled = now
    }

    /// What is left, rounded down; 0 where it is overdrawn.
    var remaining: Int { max(0, Int(level)) }

    /// How long until `amount` is there; zero where it is.
    func wait(for amount: Int) -> Duration {
        let missing = Double(min(amount, capacity)) - level
        return missing <= 0 ? .zero : .seconds(missing / perSecond)
    }

    /// How long until the bucket is full.
    var timeToFull: Duration { wait(for: capacity) }

    /// Takes what is there, or overdraws: what is used up already cannot be refused.
    mutating func take(_ amount: Int) {
        level -= Double(amount)
    }

    /// Adds what has run in since the last time.
    mutating func refill(now: ContinuousClock.Instant) {
        let seconds = filled.duration(to: now) / .seconds(1)
        guard seconds > 0 else { return }
        level = min(Double(capacity), level + seconds * perSecond)
        filled = now
    }

    private var perSecond: Double { Double(capacity) / 60 }
}
