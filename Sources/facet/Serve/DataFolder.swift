import Foundation

/// Where facet keeps its things when nobody says otherwise.
enum DataFolder {
    /// `$XDG_DATA_HOME/facet`, or `~/.local/share/facet`.
    static var usual: String {
        let environment = ProcessInfo.processInfo.environment
        if let folder = environment["XDG_DATA_HOME"], folder.hasPrefix("/") {
            return folder + "/facet"
        }
        return FileManager.default.homeDirectoryForCurrentUser.path + "/.local/share/facet"
    }
}
