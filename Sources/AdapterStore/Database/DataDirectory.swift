import Glibc

/// Where facet keeps its data unless told otherwise.
public enum DataDirectory {
    /// `$XDG_DATA_HOME/facet`, else `~/.local/share/facet`, else `./facet-data`.
    public static var standard: String {
        if let data = variable("XDG_DATA_HOME"), data.hasPrefix("/") { return data + "/facet" }
        if let home = variable("HOME") { return home + "/.local/share/facet" }
        return "facet-data"
    }

    private static func variable(_ name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        let text = String(cString: value)
        return text.isEmpty ? nil : text
    }
}
