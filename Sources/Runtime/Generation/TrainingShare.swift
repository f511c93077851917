/// Decides when a piece of training, what lies between two yields, may run beside requests.
///
/// Every step that answers requests earns training credit in proportion to the time it took, up to
/// what one token may be delayed; every piece spends it. Where a piece takes longer than a token may be
/// delayed, it runs so seldom that the 99th percentile of the time per token stays.
struct TrainingShare {
    private let priority: TrainingPriority
    /// Moving averages: of the time of a step that draws tokens, and of the time of a piece.
    private var step = Duration.zero, piece = Duration.zero
    private var credit = Duration.zero
    /// Time that went to requests since the last piece.
    private var served = Duration.zero

    init(_ priority: TrainingPriority) {
        self.priority = priority
    }

    /// A piece that takes too long gets a fiftieth of the time: a stream of answers then waits for it
    /// less often than at every hundredth token.
    private static let servedPerLongPiece = 49
    /// The shortest time that requests have for themselves before a piece that takes too long.
    private static let patience = Duration.milliseconds(100)

    /// By how much training may delay a token.
    private var allowance: Duration {
        max(step * 9 / 20, (priority.latencyTarget ?? .zero) - step)
    }

    /// Whether the next piece may run although requests are to be answered.
    var isDue: Bool {
        guard priority.share > 0 else { return false }
        guard piece > allowance * 3 / 2 else { return credit > .zero && credit * 2 >= piece }
        return served >= max(Self.patience, piece * Self.servedPerLongPiece)
    }

    /// A step has been computed.
    /// - Parameter isDecoding: Whether it only drew tokens; reading a prompt says nothing of the time
    ///   per token.
    mutating func countStep(_ duration: Duration, isDecoding: Bool) {
        served += duration
        if isDecoding { step = step == .zero ? duration : step + (duration - step) / 8 }
        let rest = 1 - priority.share
        let earned = rest > 0 ? duration * (priority.share / rest) : allowance
        credit = min(credit + earned, allowance)
    }

    /// A piece has run.
    /// - Parameter isBesideRequests: Whether requests waited for it.
    mutating func countPiece(_ duration: Duration, isBesideRequests: Bool) {
        // A long piece among short ones, such as the optimizer's step, does not make the next one long.
        piece = piece == .zero ? duration : piece + (min(duration, piece * 4) - piece) / 8
        credit = isBesideRequests ? credit - duration : .zero
        served = .zero
    }
}
