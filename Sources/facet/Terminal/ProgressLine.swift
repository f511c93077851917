import Foundation

/// Progress on standard error: a bar that redraws itself on a terminal, nothing elsewhere.
final class ProgressLine {
    private let label: String
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var shown = -1

    init(_ label: String) {
        self.label = label
    }

    /// Shows a share from 0 to 1, and a note behind it.
    func show(_ fraction: Double, note: String = "") {
        let percent = Int((min(max(fraction, 0), 1) * 100).rounded(.down))
        guard isTerminal, percent != shown || !note.isEmpty else { return }
        shown = percent
        let filled = String(repeating: "█", count: percent / 4)
        let empty = String(repeating: "░", count: 25 - percent / 4)
        write("\r\(label) \(filled)\(empty) \(percent) % \(note)\u{1B}[K")
    }

    /// Takes the bar away.
    func finish() {
        guard isTerminal, shown >= 0 else { return }
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
