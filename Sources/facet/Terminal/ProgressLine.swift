import Foundation
import Synchronization

/// Progress on standard error: a bar that redraws itself on a terminal, nothing elsewhere.
final class ProgressLine: Sendable {
    private let label: String
    /// Whether there is a bar at all.
    let isTerminal = isatty(STDERR_FILENO) == 1
    private let shown = Mutex(-1)

    init(_ label: String) {
        self.label = label
    }

    /// Shows a share from 0 to 1, and a note behind it.
    func show(_ fraction: Double, note: String = "") {
        let percent = Int((min(max(fraction, 0), 1) * 100).rounded(.down))
        let isNew = shown.withLock { shown in
            defer { shown = percent }
            return shown != percent
        }
        guard isTerminal, isNew || !note.isEmpty else { return }
        let filled = String(repeating: "█", count: percent / 4)
        let empty = String(repeating: "░", count: 25 - percent / 4)
        write("\r\(label) \(filled)\(empty) \(percent) % \(note)\u{1B}[K")
    }

    /// Takes the bar away.
    func finish() {
        guard isTerminal, shown.withLock({ $0 >= 0 }) else { return }
        write("\r\u{1B}[K")
    }

    private func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}

/// A line on standard error, for people; standard output is for programs.
func say(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
}
