import Foundation

/// The program as people run it: what it printed, and how it ended.
struct FacetProcess: Sendable {
    let status: Int32
    let output: String
    let errors: String

    /// The executable that was built with the tests.
    private static let executable = URL(fileURLWithPath: "/proc/self/exe")
        .resolvingSymlinksInPath().deletingLastPathComponent().appendingPathComponent("facet")

    /// Runs it to its end.
    init(_ arguments: String...) throws { try self.init(arguments) }

    /// Runs it to its end.
    init(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = Self.executable
        process.arguments = arguments
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("facet-errors-\(UUID().uuidString)")
        try Data().write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: file)
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        status = process.terminationStatus
        self.output = String(decoding: data, as: UTF8.self)
        errors = try String(contentsOf: file, encoding: .utf8)
    }
}
