import Foundation
import Testing

/// Inputs that once went wrong, and the ones fuzzing begins with.
@Suite("Kept inputs of fuzzing")
struct ReplayTests {
    private static let seeds = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Seeds")

    @Test("every kept input gives a value or an error, soon", arguments: FuzzTarget.allCases)
    func replay(target: FuzzTarget) throws {
        let folder = Self.seeds.appending(path: target.rawValue)
        let files = try FileManager.default.contentsOfDirectory(
            at: folder,
            includingPropertiesForKeys: nil
        )
        #expect(!files.isEmpty)
        for file in files.sorted(by: { $0.path < $1.path }) {
            target.run(Array(try Data(contentsOf: file)))
        }
    }
}
