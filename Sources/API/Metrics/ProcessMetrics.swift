import Glibc
import Storage

/// What the operating system knows of the process, under Prometheus' own names.
final class ProcessMetrics: Sendable {
    private let memory = MetricFamily(
        "process_resident_memory_bytes",
        .gauge,
        help: "Resident memory size in bytes."
    )
    private let processor = MetricFamily(
        "process_cpu_seconds_total",
        .counter,
        help: "Total user and system CPU time spent in seconds."
    )
    private let start = MetricFamily(
        "process_start_time_seconds",
        .gauge,
        help: "Start time of the process since unix epoch in seconds."
    )
    private let files = MetricFamily(
        "process_open_fds",
        .gauge,
        help: "Number of open file descriptors."
    )
    private let build = MetricFamily(
        "facet_build_info",
        .gauge,
        help: "The program's version.",
        labels: ["version"]
    )

    init() {
        start.set(Double(UnixTime.now))
        build.set(1, FacetVersion.text)
    }

    var families: [MetricFamily] { [build, memory, processor, start, files] }

    func update() {
        if let pages = Self.residentPages() { memory.set(Double(pages * Int(getpagesize()))) }
        // POSIX fixes the unit of clock() at a microsecond, whatever its resolution.
        processor.set(Double(clock()) / 1_000_000)
        if let count = Self.openFiles() { files.set(Double(count)) }
    }

    /// The second number of `/proc/self/statm`.
    private static func residentPages() -> Int? {
        let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard file != -1 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 128)
        let count = read(file, &bytes, bytes.count)
        guard count > 0 else { return nil }
        let words = String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: " ")
        return words.count > 1 ? Int(words[1]) : nil
    }

    private static func openFiles() -> Int? {
        guard let folder = opendir("/proc/self/fd") else { return nil }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // Not counted: `.`, `..` and the descriptor this listing itself takes.
        return max(0, count - 3)
    }
}
