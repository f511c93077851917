/// How much training may take from requests that are being answered.
///
/// While there are none, training has the whole engine.
public struct TrainingPriority: Sendable, Hashable {
    /// The most of the engine's time that training gets beside requests, 0…1; at 0 it gets only what
    /// they leave.
    public var share: Double
    /// The time between two tokens of an answer that training may fill up; `nil` for half as long
    /// again as the token takes without it.
    public var latencyTarget: Duration?

    /// A share of the time, within a latency.
    public init(share: Double = 0.3, latencyTarget: Duration? = nil) {
        self.share = min(max(share, 0), 1)
        self.latencyTarget = latencyTarget
    }
}
