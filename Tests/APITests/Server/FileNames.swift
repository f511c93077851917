import Foundation

/// The names in a folder.
enum FileNames {
    static func all(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }
}
