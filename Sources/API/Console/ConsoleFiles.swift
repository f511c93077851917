import CConsole

/// The files of the console, which are embedded in the executable.
enum ConsoleFiles {
    /// The page itself.
    static let page = "index.html"

    /// Every file by name; compressed when one is first asked for.
    static let all: [String: ConsoleFile] = {
        let files = UnsafeBufferPointer(
            start: facet_console_files(),
            count: facet_console_file_count()
        )
        return Dictionary(
            uniqueKeysWithValues: files.map { file in
                let name = String(cString: file.name)
                let bytes = Array(UnsafeBufferPointer(start: file.bytes, count: file.count))
                return (name, ConsoleFile(contentType: contentType(of: name), bytes))
            }
        )
    }()

    private static func contentType(of name: String) -> String {
        switch name.split(separator: ".").last {
        case "html": "text/html; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "svg": "image/svg+xml"
        default: "text/javascript; charset=utf-8"
        }
    }
}
