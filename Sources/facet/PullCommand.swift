import API
import ArgumentParser
import Foundation
import Synchronization

/// `facet pull ORG/NAME[@revision]`: a checkpoint from the hub into the model cache.
struct PullCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull",
        abstract: "Download a checkpoint from a Hugging Face hub into the model cache.",
        discussion: """
            Fetches the configuration, the tokenizer, the chat template and the safetensors weights, \
            several files at once, and checks their size and SHA-256. Stopped or killed, it goes on \
            from where it was when run again. The folder is printed when it is complete.

            HF_ENDPOINT names another hub, HF_TOKEN is sent to it where it is set, and \
            HF_HUB_OFFLINE=1 only looks into the cache ($XDG_CACHE_HOME/facet/models).
            """
    )

    @Argument(help: "The repository: ORG/NAME, or ORG/NAME@revision for a branch, tag or commit.")
    var model: String

    @Flag(help: "Print nothing but the folder.")
    var quiet = false

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        do throws(HubError) {
            let pull = ModelPull(
                configuration: try HubConfiguration(environment: environment),
                cache: ModelCache(environment: environment)
            )
            let display = PullDisplay(isQuiet: quiet)
            let folder = try await pull(try HubReference(model)) { display.show($0) }
            display.end()
            print(folder)
        } catch {
            FileHandle.standardError.write(Data("error: \(error)\n".utf8))
            throw ExitCode.failure
        }
    }
}

/// Shows a pull on standard error: a bar on a terminal, now and then a line elsewhere.
private final class PullDisplay: Sendable {
    private let isQuiet: Bool
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let state = Mutex(State())

    private struct State {
        var lastLine: ContinuousClock.Instant?
        var hasBar = false
    }

    private static let barWidth = 28
    private static let lineInterval = Duration.seconds(10)

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    func show(_ progress: PullProgress) {
        guard !isQuiet else { return }
        let isDone = progress.filesDone == progress.filesTotal
        state.withLock { state in
            if isTerminal {
                write("\r\u{1B}[K" + bar(progress) + text(progress))
                state.hasBar = true
                return
            }
            let now = ContinuousClock.now
            if let last = state.lastLine, now - last < Self.lineInterval, !isDone { return }
            state.lastLine = now
            write(text(progress) + "\n")
        }
    }

    /// Leaves the bar's line.
    func end() {
        state.withLock { state in
            if state.hasBar { write("\n") }
            state.hasBar = false
        }
    }

    private func bar(_ progress: PullProgress) -> String {
        let share = Double(progress.bytesDone) / Double(max(progress.bytesTotal, 1))
        let filled = Int(Double(Self.barWidth) * min(max(share, 0), 1))
        let empty = Self.barWidth - filled
        return "[" + String(repeating: "=", count: filled) + String(repeating: " ", count: empty)
            + "] "
    }

    private func text(_ progress: PullProgress) -> String {
        var text = "\(progress.filesDone)/\(progress.filesTotal) files, "
        text += "\(size(progress.bytesDone)) of \(size(progress.bytesTotal))"
        if progress.bytesPerSecond > 0 {
            text += ", \(size(Int(progress.bytesPerSecond)))/s"
            let rest = Double(progress.bytesTotal - progress.bytesDone)
            let seconds = Int(min(max(rest / progress.bytesPerSecond, 0), 359_999))
            if seconds > 0 { text += ", \(duration(seconds)) left" }
        }
        return text
    }

    private func size(_ bytes: Int) -> String {
        let units = ["B", "kB", "MB", "GB", "TB"]
        var value = Double(bytes)
        var unit = 0
        while value >= 1000, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        return unit == 0 ? "\(bytes) B" : String(format: "%.1f ", value) + units[unit]
    }

    private func duration(_ seconds: Int) -> String {
        let (minutes, rest) = seconds.quotientAndRemainder(dividingBy: 60)
        return minutes == 0 ? "\(rest) s" : "\(minutes) min \(rest) s"
    }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
