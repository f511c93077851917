import Glibc

/// How much memory this process may use.
public enum MachineMemory {
    /// Bytes that are free for it: what the kernel calls available, or the limit of its control
    /// group where that is less.
    ///
    /// Half of all memory where neither can be read.
    public static var available: Int {
        let limits = [field("MemAvailable", of: read("/proc/meminfo")), groupLimit].compactMap {
            $0
        }
        return limits.min() ?? total / 2
    }

    private static var total: Int {
        max(0, sysconf(Int32(_SC_PHYS_PAGES))) * max(0, sysconf(Int32(_SC_PAGESIZE)))
    }

    /// What is left of the control group's limit, if it has one.
    private static var groupLimit: Int? {
        let folder = "/sys/fs/cgroup/"
        guard let limit = number(read(folder + "memory.max")) else { return nil }
        return max(0, limit - (number(read(folder + "memory.current")) ?? 0))
    }

    /// A field of `/proc/meminfo`, in bytes.
    static func field(_ name: String, of text: String) -> Int? {
        for line in text.split(separator: "\n") where line.hasPrefix(name + ":") {
            let words = line.split(separator: " ")
            guard words.count >= 2, let kilobytes = Int(words[1]) else { return nil }
            return kilobytes.multipliedReportingOverflow(by: 1024).partialValue
        }
        return nil
    }

    private static func number(_ text: String) -> Int? {
        Int(text.prefix { $0.isNumber })
    }

    /// A small file, or nothing.
    private static func read(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 8192)
        let count = fread(&buffer, 1, buffer.count, file)
        return String(decoding: buffer[..<count], as: UTF8.self)
    }
}
