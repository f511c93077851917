import Foundation
import Synchronization

/// SIGINT and SIGTERM as a wish to stop; a second one ends the process as ever.
enum StopSignals {
    private static let first = Atomic<Int32>(0)

    /// The first signal that came, if one did.
    static var received: Int32? {
        let number = first.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }

    /// From now on the first signal is only noted.
    static func catchFirst() {
        // Before a handler runs: it must not be the one that makes the variable.
        first.store(0, ordering: .relaxed)
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                StopSignals.first.store(number, ordering: .relaxed)
                signal(SIGINT, SIG_DFL)
                signal(SIGTERM, SIG_DFL)
            }
        }
    }
}
