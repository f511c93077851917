import Foundation
import Testing

/// A Swift source file of this package, as the tidy tests see it.
struct SourceFile: Sendable, CustomTestStringConvertible {
    /// The path below the package root, such as `Sources/API/HTTP/Router.swift`.
    let path: String
    /// The text, line by line.
    let lines: [String]
    /// Words and marks, without comments and the text of strings.
    let tokens: [SourceToken]
    /// What it names.
    let declarations: [Declaration]

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        tokens = SourceLexer.tokens(of: text)
        declarations = Declaration.all(in: tokens)
    }

    /// The folder of the module's folder: `API` of the path above.
    var module: String { component(1) }

    /// The first folder below the module's: `HTTP` of the path above; `.` where there is none.
    var folder: String { path.utf8.count { $0 == 47 } > 2 ? component(2) : "." }

    private func component(_ index: Int) -> String {
        String(path.split(separator: "/")[index])
    }

    var testDescription: String { path }

    /// The modules that are imported, whatever their access level.
    var imports: [String] {
        lines.compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            guard let index = words.firstIndex(of: "import"), index < 2, index + 1 < words.count
            else { return nil }
            return words[index + 1].split(separator: ".").first.map(String.init)
        }
    }

    /// Every Swift file below one of the package's folders.
    static func all(below folder: String) -> [SourceFile] {
        let root = packageRoot
        let enumerator = FileManager.default.enumerator(atPath: root + "/" + folder)
        var files: [SourceFile] = []
        while let name = enumerator?.nextObject() as? String {
            guard name.hasSuffix(".swift"),
                let text = try? String(contentsOfFile: "\(root)/\(folder)/\(name)", encoding: .utf8)
            else { continue }
            files.append(SourceFile(path: "\(folder)/\(name)", text: text))
        }
        return files.sorted { $0.path < $1.path }
    }

    private static var packageRoot: String {
        "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    }
}
