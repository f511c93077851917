import Foundation

/// `calculate_output` of a multi grader: numbers, names of graders, `+ - * / **`, brackets and functions.
public struct GraderFormula: Sendable, Hashable {
    private indirect enum Node: Sendable, Hashable {
        case number(Double)
        case name(String)
        case binary(Character, Node, Node)
        case negative(Node)
        case call(String, [Node])
    }

    let text: String
    /// The graders it names.
    let names: Set<String>
    private let root: Node

    private static let functions: Set = [
        "min", "max", "abs", "floor", "ceil", "exp", "sqrt", "log",
    ]
    private static let maximumBytes = 4096

    /// Reads a formula.
    /// - Throws: `GraderError.invalid` with the place of what can't be read.
    public init(_ text: String, param: String) throws(GraderError) {
        guard text.utf8.count <= Self.maximumBytes else {
            throw .invalid(param, "'\(param)' is longer than \(Self.maximumBytes) bytes.")
        }
        var reader = Reader(text, param)
        root = try reader.sum()
        guard reader.isAtEnd else { throw reader.unexpected }
        names = reader.names
        self.text = text
    }

    /// The number the formula gives.
    /// - Throws: `GraderError.noNumber` for a division by nothing and the like.
    public func value(_ scores: [String: Double]) throws(GraderError) -> Double {
        let value = Self.value(root, scores)
        guard value.isFinite else { throw .noNumber(text) }
        return value
    }

    private static func value(_ node: Node, _ scores: [String: Double]) -> Double {
        switch node {
        case .number(let number): return number
        case .name(let name): return scores[name] ?? .nan
        case .negative(let node): return -value(node, scores)
        case .binary(let sign, let left, let right):
            let (a, b) = (value(left, scores), value(right, scores))
            return switch sign {
            case "+": a + b
            case "-": a - b
            case "*": a * b
            case "/": a / b
            default: pow(a, b)
            }
        case .call(let name, let arguments):
            let values = arguments.map { value($0, scores) }
            // The reader has made sure that there is one.
            let first = values.first ?? .nan
            return switch name {
            case "min": values.reduce(first, Swift.min)
            case "max": values.reduce(first, Swift.max)
            case "abs": abs(first)
            case "floor": first.rounded(.down)
            case "ceil": first.rounded(.up)
            case "exp": exp(first)
            case "sqrt": first.squareRoot()
            default: log(first)
            }
        }
    }

    /// Reads a formula by descent; brackets nest as deep as its bounded stack.
    private struct Reader {
        private let characters: [Character]
        private let param: String
        private var place = 0
        private var depth = 0
        private(set) var names: Set<String> = []

        init(_ text: String, _ param: String) { (characters, self.param) = (Array(text), param) }

        private mutating func skipSpace() {
            while place < characters.count, characters[place].isWhitespace { place += 1 }
        }

        var isAtEnd: Bool { characters[place...].allSatisfy(\.isWhitespace) }

        var unexpected: GraderError {
            let found = place < characters.count ? "'\(characters[place])'" : "its end"
            return .invalid(
                param,
                "'\(param)' can't be read at character \(place + 1), at \(found)."
            )
        }

        private mutating func take(_ sign: String) -> Bool {
            skipSpace()
            guard characters[place...].starts(with: sign) else { return false }
            place += sign.count
            return true
        }

        /// A sign of one character that is no part of `**`.
        private mutating func take(oneOf signs: [Character]) -> Character? {
            skipSpace()
            guard place < characters.count, signs.contains(characters[place]),
                !characters[place...].starts(with: "**")
            else { return nil }
            defer { place += 1 }
            return characters[place]
        }

        mutating func sum() throws(GraderError) -> Node {
            depth += 1
            defer { depth -= 1 }
            guard depth < 64 else { throw unexpected }
            var left = try product()
            while let sign = take(oneOf: ["+", "-"]) {
                left = .binary(sign, left, try product())
            }
            return left
        }

        private mutating func product() throws(GraderError) -> Node {
            var left = try signed()
            while let sign = take(oneOf: ["*", "/"]) {
                left = .binary(sign, left, try signed())
            }
            return left
        }

        private mutating func signed() throws(GraderError) -> Node {
            depth += 1
            defer { depth -= 1 }
            guard depth < 64 else { throw unexpected }
            if take("-") { return .negative(try signed()) }
            if take("+") { return try signed() }
            let base = try atom()
            return take("**") ? .binary("^", base, try signed()) : base
        }

        private mutating func atom() throws(GraderError) -> Node {
            if take("(") {
                let inner = try sum()
                guard take(")") else { throw unexpected }
                return inner
            }
            skipSpace()
            let start = place
            while place < characters.count,
                characters[place].isLetter || characters[place].isNumber
                    || "_.".contains(characters[place])
            {
                place += 1
            }
            let word = String(characters[start..<place])
            guard let first = word.first else { throw unexpected }
            if first.isNumber || first == "." {
                guard let number = Double(word) else {
                    place = start
                    throw unexpected
                }
                return .number(number)
            }
            guard GraderFormula.functions.contains(word), take("(") else {
                names.insert(word)
                return .name(word)
            }
            var arguments = [try sum()]
            while take(",") { arguments.append(try sum()) }
            guard take(")"), arguments.count == 1 || ["min", "max"].contains(word) else {
                throw unexpected
            }
            return .call(word, arguments)
        }
    }
}
