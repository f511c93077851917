import Foundation

/// Conformance data from outside, which lies in `shared/` beside the checkout when it is there.
///
/// Tests that need it use `.enabled(if: SharedData.folder("tokenizers") != nil)`, with a comment
/// that says so.
public enum SharedData {
    /// The path of a file or folder under `shared/`, or `nil` where it is not there.
    public static func folder(_ name: String) -> String? {
        let root = ProcessInfo.processInfo.environment["FACET_SHARED"] ?? packageRoot + "/../shared"
        let path = root + "/" + name
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }

    /// The root of this package: where `Package.swift` lies.
    public static var packageRoot: String {
        var components = #filePath.split(separator: "/")
        components.removeLast(3)
        return "/" + components.joined(separator: "/")
    }
}
