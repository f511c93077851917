import Foundation

/// What this machine has to give.
enum MachineMemory {
    /// Bytes that can still be taken without swapping: the kernel's estimate, and the control
    /// group's limit where there is one.
    static var available: Int {
        var bytes = Int(ProcessInfo.processInfo.physicalMemory)
        if let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemAvailable:") }),
            let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        {
            bytes = min(bytes, kilobytes * 1024)
        }
        if let limit = number("/sys/fs/cgroup/memory.max"),
            let used = number("/sys/fs/cgroup/memory.current")
        {
            bytes = min(bytes, max(0, limit - used))
        }
        return bytes
    }

    private static func number(_ path: String) -> Int? {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        return Int(text.filter { $0 != "\n" })
    }
}
