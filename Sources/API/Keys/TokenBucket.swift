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
    var remaining: Int { Int(saturating: max(0, level)) }

    /// How long until `amount` is there; zero where it is.
    func wait(for amount: Int) -> Duration {
        let missing = Double(min(amount, capacity)) - level
        // A wait that nobody would end is as good as the longest that can be told.
        return missing <= 0 ? .zero : .seconds(min(missing / perSecond, 1e9))
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

extension Int {
    /// The whole part of a number; the nearest `Int` where there is none, 0 for NaN.
    init(saturating value: Double) {
        // `Double(Int.max)` is 2⁶³, one more than there is.
        self = value >= 0x1p63 ? .max : value <= -0x1p63 ? .min : value.isNaN ? 0 : Int(value)
    }
}
