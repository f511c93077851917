import Glibc

import InferenceRuntime

/// What a process that will be killed was about to do and what it was told is done.
///
/// Written to a file without a buffer: what was written survives the process.
struct CrashLog: Sendable {
    /// Names and the contents they mean, aliases like adapters.
    struct Expectation: Equatable {
        var names: [String: String] = [:]
    }

    let path: String

    func append(_ line: String) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        defer { close(descriptor) }
        let bytes = Array((line + "\n").utf8)
        _ = write(descriptor, bytes, bytes.count)
    }

    /// The state all acknowledged changes lead to, and the one with the change that was under way.
    func expectations() throws -> [Expectation] {
        let text = String(
            decoding: try OpenFile(path, flags: O_RDONLY).readAll(limit: 1 << 26),
            as: UTF8.self
        )
        var state = Expectation()
        var pending: [String]?
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            switch words[0] {
            case "try": pending = Array(words.dropFirst())
            case "done":
                if let change = pending { Self.apply(change, to: &state) }
                pending = nil
            default: pending = nil
            }
        }
        guard let pending else { return [state] }
        var other = state
        Self.apply(pending, to: &other)
        return [state, other]
    }

    /// Resets the log to a state that was found after a crash.
    func restart(from state: Expectation) {
        unlink(path)
        for (name, meaning) in state.names {
            append("try set \(name) \(meaning)")
            append("done")
        }
    }

    private static func apply(_ change: [String], to state: inout Expectation) {
        switch change[0] {
        case "set": state.names[change[1]] = change[2]
        case "remove":
            state.names[change[1]] = nil
            state.names["alias-" + change[1]] = nil
        default: break
        }
    }
}
