import InferenceRuntime

/// Text with `{{ item.path }}` and `{{ sample.path }}` in it, as graders have it.
public struct GraderTemplate: Sendable, Hashable {
    private enum Piece: Sendable, Hashable {
        case text(String)
        /// A name and what is below it: members and places.
        case value([String])
    }

    private let pieces: [Piece]

    /// Reads a template.
    /// - Throws: `GraderError.invalid` where a brace is left open or a name is none that there is.
    public init(_ text: String, param: String) throws(GraderError) {
        var pieces: [Piece] = []
        var rest = Substring(text)
        while let open = rest.firstRange(of: "{{") {
            pieces.append(.text(String(rest[..<open.lowerBound])))
            guard let close = rest[open.upperBound...].firstRange(of: "}}") else {
                throw .invalid(param, "'\(param)' has '{{' without '}}'.")
            }
            let path = Self.steps(rest[open.upperBound..<close.lowerBound])
            guard let first = path.first, ["item", "sample"].contains(first), path.count > 1 else {
                throw .invalid(
                    param,
                    "'\(param)' names '\(rest[open.upperBound..<close.lowerBound].prefix(80))': there are item.… and sample.…"
                )
            }
            pieces.append(.value(path))
            rest = rest[close.upperBound...]
        }
        pieces.append(.text(String(rest)))
        self.pieces = pieces
    }

    /// `a.b[0]` as `a`, `b`, `0`.
    private static func steps(_ path: Substring) -> [String] {
        path.replacing("[", with: ".").replacing("]", with: "")
            .split(separator: ".").map { String($0.filter { !$0.isWhitespace }) }
    }

    /// The text with its values.
    /// - Throws: `GraderError.missing` for a value that is not there.
    public func text(_ values: GraderValues) throws(GraderError) -> String {
        var text = ""
        for piece in pieces {
            switch piece {
            case .text(let part): text += part
            case .value(let path):
                let value = try values[path]
                text += value.string ?? (value.isNull ? "" : value.serialized)
            }
        }
        return text
    }
}
