/// Training's share of the engine where requests leave it none: about a fiftieth.
///
/// A piece of training, what lies between two yields, may run once requests have been served for 49
/// times as long as the last piece took. A stream of answers then waits for such a piece less often
/// than at every hundredth token, so that the 99th percentile of the time per token stays.
struct TrainingShare {
    private var begun = ContinuousClock.now
    private var ended = ContinuousClock.now
    private var piece = Duration.zero

    /// The shortest time that requests have for themselves.
    private static let patience = Duration.milliseconds(100)
    private static let servingPerTraining = 49

    /// Whether requests have had their part since the last piece.
    var isDue: Bool {
        ContinuousClock.now - ended >= max(Self.patience, piece * Self.servingPerTraining)
    }

    /// A piece begins.
    mutating func begin() { begun = .now }

    /// A piece ends.
    mutating func end() {
        ended = .now
        piece = ended - begun
    }
}
