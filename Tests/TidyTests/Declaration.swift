/// Something a source file names: a type, a function, a property, a case.
struct Declaration: Equatable {
    let keyword: String
    let name: String
    /// How many braces are open around it: 0 at the top of a file.
    let depth: Int
    /// Whether no other file sees it.
    let isPrivate: Bool

    static let typeKeywords: Set = ["class", "struct", "enum", "protocol", "actor", "typealias"]
    private static let keywords = typeKeywords.union(["func", "var", "let", "case"])
    private static let modifiers: Set = [
        "public", "package", "internal", "final", "indirect", "nonisolated", "private",
        "fileprivate",
    ]

    var isType: Bool { Self.typeKeywords.contains(keyword) }

    /// Everything that is declared in a file's tokens.
    static func all(in tokens: [SourceToken]) -> [Declaration] {
        tokens.indices.dropLast().compactMap { index in
            let keyword = tokens[index]
            let name = tokens[index + 1]
            guard keywords.contains(keyword.text), name.isWord, !keywords.contains(name.text),
                keyword.text != "case" || isCase(name, before: tokens.dropFirst(index + 2).first)
            else { return nil }
            let before = tokens[..<index].reversed().prefix { modifiers.contains($0.text) }
            return Declaration(
                keyword: keyword.text,
                name: name.text,
                depth: keyword.depth,
                isPrivate: before.contains { $0.text.hasSuffix("private") }
            )
        }
    }

    /// Whether the word after `case` is a new case rather than a pattern of a `switch`.
    private static func isCase(_ name: SourceToken, before next: SourceToken?) -> Bool {
        name.text.first?.isLowercase == true && next?.text != ":"
    }
}
