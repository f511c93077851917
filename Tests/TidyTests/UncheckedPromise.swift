/// A place where the compiler is asked to believe that threads do not collide, and the reason.
///
/// The reason stands in the comment directly above. It has one of four forms:
///
/// - `Owner: THREAD` — only that thread touches it; the threads are listed here.
/// - `Immutable: …` — nothing writes after it is shared; the type has no stored `var`.
/// - `Guarded by NAME: …` — NAME is a property of the type.
/// - `Thread-safe: FUNCTION …` — FUNCTION, called in the file, may be called from any thread.
struct UncheckedPromise {
    static let marks = ["@unchecked Sendable", "nonisolated(unsafe)"]
    static let threads = ["the loop's thread", "the engine's thread", "one thread at a time, "]

    let file: SourceFile
    /// The line's index in the file.
    let index: Int

    static func all(in file: SourceFile) -> [UncheckedPromise] {
        file.lines.indices
            .filter { index in marks.contains { file.lines[index].contains($0) } }
            .map { UncheckedPromise(file: file, index: $0) }
    }

    /// What is wrong with the reason that is given; `nil` where it holds.
    var fault: String? {
        guard let reason else { return "no line above says 'Owner:', 'Immutable:', …" }
        let (form, rest) = reason
        switch form {
        case "Owner: ":
            return Self.threads.contains { rest.hasPrefix($0) } ? nil : "'\(rest)' is no thread"
        case "Immutable: ":
            return body.first { Self.isStoredVariable($0) }.map { "it stores '\($0)'" }
        case "Guarded by ":
            let name = rest.prefix { $0 != ":" }
            return body.contains { $0.contains("let \(name)") }
                ? nil : "the type has no property '\(name)'"
        default:
            let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
            return file.lines.contains { $0.contains("\(name)(") } && !name.isEmpty
                ? nil : "'\(name)' is not called here"
        }
    }

    private var reason: (form: String, rest: String)? {
        let above = file.lines[..<index].reversed().prefix { $0.contains("//") }
        for line in above {
            let text = line.drop { $0 == " " || $0 == "/" }
            for form in ["Owner: ", "Immutable: ", "Guarded by ", "Thread-safe: "]
            where text.hasPrefix(form) {
                return (form, String(text.dropFirst(form.count)))
            }
        }
        return nil
    }

    /// The lines of the type that is declared here.
    private var body: ArraySlice<String> {
        let indentation = file.lines[index].prefix { $0 == " " }
        let end = file.lines[index...].firstIndex { $0 == indentation + "}" }
        return file.lines[index...(end ?? index)].dropFirst()
    }

    private static func isStoredVariable(_ line: String) -> Bool {
        let words = line.split { " (".contains($0) }
        return line.hasPrefix("    ") && !line.hasPrefix("     ") && words.contains("var")
            && !line.contains("{")
    }
}
