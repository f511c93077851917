public import API
public import ArgumentParser
import Foundation
import Synchronization

/// `facet pull ORG/NAME[@revision]`: a checkpoint, an adapter or a data set from a hub into the cache.
struct PullCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull",
        abstract: "Download a checkpoint, an adapter or a data set from a hub into the cache.",
        discussion: """
            Fetches the configuration, the tokenizer, the chat template and the safetensors weights, \
            several files at once, and checks their size and SHA-256. Stopped or killed, it goes on \
            from where it was when run again. The folder is printed when it is complete. Of an \
            adapter its two files are fetched, of a data set the files that facet trains on.

            The hub is Hugging Face's, or with --from modelscope or USE_MODELSCOPE_HUB=1 ModelScope. \
            HF_ENDPOINT and MODELSCOPE_ENDPOINT name mirrors, HF_TOKEN and MODELSCOPE_API_TOKEN are \
            sent to them where they are set, and HF_HUB_OFFLINE=1 only looks into the cache \
            ($XDG_CACHE_HOME/facet/models, …/datasets).

            Examples:
              facet pull TinyLlama/TinyLlama-1.1B-Chat-v1.0
              facet pull --from modelscope Qwen/Qwen2.5-0.5B-Instruct
              facet pull --repo-type dataset --include 'data/train*' ORG/NAME
            """
    )

    @Argument(help: "The repository: ORG/NAME, or ORG/NAME@revision for a branch, tag or commit.")
    var model: String

    @Option(help: "The hub: huggingface or modelscope.")
    var from: Hub?

    @Option(help: "What it holds: model (also an adapter) or dataset.")
    var repoType = RepositoryKind.model

    @Option(
        name: .customLong("include"),
        help:
            "Files of a data set to fetch, with * and ?; may be repeated. All where there is none."
    )
    var patterns: [String] = []

    @Flag(help: "Print nothing but the folder.")
    var quiet = false

    func validate() throws {
        guard patterns.isEmpty || repoType == .dataset else {
            throw ValidationError("--include chooses files of a data set: add --repo-type dataset.")
        }
    }

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let source = HubSource(from ?? Hub(environment: environment), repoType)
        do throws(HubError) {
            let pull = ModelPull(
                configuration: try HubConfiguration(environment: environment, of: source.hub),
                cache: ModelCache(environment: environment, of: repoType),
                patterns: patterns
            )
            let display = PullDisplay(isQuiet: quiet)
            let folder = try await pull(try HubReference(model, on: source)) { display.show($0) }
            display.end()
            print(folder)
        } catch {
            FileHandle.standardError.write(Data("error: \(error)\n".utf8))
            throw ExitCode.failure
        }
    }
}

extension Hub: ExpressibleByArgument {}

extension RepositoryKind: ExpressibleByArgument {}

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
