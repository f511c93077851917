/// An allowance that fills up evenly: so much a minute, and no more than a minute's worth saved.
struct TokenBucket: Sendable {
    /// What a full bucket holds: the allowance of one minute.
    let capacity: Int
    private var level: Double
    private var filled: ContinuousClock.Instant
    /// What servers with the same keys have left together, as far as is known; 0 on one server.
    private var elsewhere = 0.0
    private let isShared: Bool

    init(capacity: Int, now: ContinuousClock.Instant) {
        self.capacity = capacity
        level = Double(capacity)
        filled = now
        isShared = false
    }

    /// A server's part of an allowance that servers share: empty until something is granted.
    init(sharing capacity: Int, now: ContinuousClock.Instant) {
        self.capacity = capacity
        level = 0
        filled = now
        isShared = true
    }

    /// What is left, rounded down; 0 where it is overdrawn.
    var remaining: Int { Int(saturating: max(0, level + elsewhere)) }

    /// Whether so much may be taken here and now.
    func has(_ amount: Int) -> Bool { level >= Double(min(amount, capacity)) }

    /// What is missing here for an amount, and what is to be asked for: a tenth of the allowance more,
    /// so that not every request asks.
    func want(for amount: Int, aTenthMore: Bool) -> AllowanceRequest? {
        guard isShared, !has(amount) else { return nil }
        let least = Double(min(amount, capacity)) - level
        let most = aTenthMore ? least + Double(capacity) / 10 : least
        return AllowanceRequest(capacity: capacity, least: least, most: most)
    }

    /// Adds what was granted of the allowance that servers share.
    /// - Parameter left: What the others may still ask for.
    mutating func add(_ granted: Double, left: Double, now: ContinuousClock.Instant) {
        level += granted
        elsewhere = left
        filled = now
    }

    /// Fills up by itself while nobody can be asked.
    mutating func standIn(now: ContinuousClock.Instant) {
        elsewhere = 0
        fill(now)
    }

    /// How long until `amount` is there; zero where it is.
    func wait(for amount: Int) -> Duration {
        let missing = Double(min(amount, capacity)) - level - elsewhere
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
        if !isShared { fill(now) }
    }

    private mutating func fill(_ now: ContinuousClock.Instant) {
        let seconds = filled.duration(to: now) / .seconds(1)
        guard seconds > 0 else { return }
        level = min(Double(capacity), level + seconds * perSecond)
        filled = now
    }

    private var perSecond: Double { Double(capacity) / 60 }
}

/// What a server asks for of an allowance that servers share.
struct AllowanceRequest: Sendable {
    /// The allowance of one minute.
    let capacity: Int
    /// With less than this nothing is gained, and nothing is granted.
    let least: Double
    let most: Double
}

extension Int {
    /// The whole part of a number; the nearest `Int` where there is none, 0 for NaN.
    init(saturating value: Double) {
        // `Double(Int.max)` is 2⁶³, one more than there is.
        self = value >= 0x1p63 ? .max : value <= -0x1p63 ? .min : value.isNaN ? 0 : Int(value)
    }
}
