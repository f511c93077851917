import AdapterStore
import Storage

/// Tries again what a shared store that is away has refused: a job waits for it, and does not fail.
struct Patience: Sendable {
    private let control: TrainingControl
    private static let pause = Duration.seconds(1)

    init(_ control: TrainingControl) { self.control = control }

    /// Runs `body` until no store is away.
    /// - Returns: `false` where the job is to be left before that.
    func wait(_ body: () async throws -> Void) async throws -> Bool {
        while true {
            do {
                try await body()
                return true
            } catch  where Self.isOutage(error) {
                guard control.current != .abandon, !Task.isCancelled else { return false }
                try? await Task.sleep(for: Self.pause)
            }
        }
    }

    private static func isOutage(_ error: any Error) -> Bool {
        switch error {
        case is DatabaseOutage, ObjectStoreError.unavailable, AdapterStoreError.unavailable: true
        case let error as FineTuningError: error.code == FineTuningError.outageCode
        default: false
        }
    }
}

extension FineTuningError {
    /// The code of what may work when a store is there again.
    public static let outageCode = "storage_unavailable"
}
