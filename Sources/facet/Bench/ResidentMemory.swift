import Foundation

/// What this process holds in memory.
enum ResidentMemory {
    /// Begins to look for a new peak.
    static func resetPeak() {
        guard let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") else { return }
        try? file.write(contentsOf: Data("5".utf8))
        try? file.close()
    }

    /// The most bytes that were resident since `resetPeak`.
    static var peak: Int {
        guard let file = FileHandle(forReadingAtPath: "/proc/self/status"),
            let data = try? file.readToEnd()
        else { return 0 }
        for line in String(decoding: data, as: UTF8.self).split(separator: "\n")
        where line.hasPrefix("VmHWM:") {
            return (Int(line.filter(\.isNumber)) ?? 0) * 1024
        }
        return 0
    }
}
