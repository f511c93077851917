/// A regular expression over module paths, as PEFT's configurations use them.
///
/// It comes from outside: matching has a limit of steps, and all patterns of one configuration share
/// a limit of time. Where one is reached, the configuration is refused.
struct ModulePattern {
    private let expression: TokenPattern
    private let source: String
    private let budget: PatternBudget

    /// Steps of one match; a long pattern over a deep path takes some ten thousand.
    private static let stepLimit: UInt32 = 500_000

    /// Must match a whole path.
    init(whole pattern: String, _ budget: PatternBudget) throws(AdapterError) {
        try self.init(pattern, in: "^(?:\(pattern))$", budget)
    }

    /// Must match a path, or its end after a dot.
    init(suffix pattern: String, _ budget: PatternBudget) throws(AdapterError) {
        try self.init(pattern, in: "^(?:.*\\.)?(?:\(pattern))$", budget)
    }

    private init(
        _ pattern: String,
        in source: String,
        _ budget: PatternBudget
    ) throws(AdapterError) {
        guard pattern.utf8.count <= 4096 else {
            throw .invalidField("a pattern", reason: "has \(pattern.utf8.count) bytes")
        }
        self.source = pattern
        self.budget = budget
        try budget.begin()
        defer { budget.end() }
        do throws(TokenizerError) {
            expression = try TokenPattern(
                oniguruma: source,
                field: "pattern",
                stepLimit: Self.stepLimit
            )
        } catch {
            throw .invalidField(
                "the pattern \(quoted(pattern))",
                reason: "is not supported: \(error)"
            )
        }
    }

    func matches(_ path: String) throws(AdapterError) -> Bool {
        try budget.begin()
        defer { budget.end() }
        switch Array(path.utf8).withUnsafeBufferPointer({ PatternSearch(expression).test($0) }) {
        case .match: return true
        case .none: return false
        case .limit:
            throw .invalidField(
                "the pattern \(quoted(source))",
                reason: "takes too long to match; write it without nested repeats"
            )
        }
    }
}

/// The processor time that the patterns of one configuration may take together.
final class PatternBudget {
    private static let seconds = 2.0
    private var used = 0.0
    private var started = 0.0

    func begin() throws(AdapterError) {
        guard used <= Self.seconds else {
            throw .invalidField(
                "the patterns",
                reason: "take too long to match; write simpler ones"
            )
        }
        started = ProcessorTime.thread
    }

    func end() { used += ProcessorTime.thread - started }
}

/// Values by pattern of a path's end, as `rank_pattern` has them: the first that matches decides.
struct PatternTable {
    /// More regular expressions than any tool writes; plain names are not counted.
    private static let maximumExpressions = 256

    /// Plain names by their spelling with dots for underscores, since a dot stands for any character.
    private var literals: [[UInt8]: [Literal]] = [:]
    private var expressions: [(pattern: ModulePattern, order: Int, value: Double)] = []

    init(
        _ entries: [LoRAConfiguration.PatternValue],
        _ field: String,
        _ budget: PatternBudget
    ) throws(AdapterError) {
        for (order, entry) in entries.enumerated() {
            if Self.isPlain(entry.pattern) {
                let text = Array(entry.pattern.utf8)
                let key = Self.dotted(text)
                guard literals[key]?.contains(where: { $0.text == text }) != true else { continue }
                literals[key, default: []].append(Literal(text, order, entry.value))
            } else {
                let pattern = try ModulePattern(suffix: entry.pattern, budget)
                expressions.append((pattern, order, entry.value))
            }
        }
        guard expressions.count <= Self.maximumExpressions else {
            throw .invalidField(
                field,
                reason: "has \(expressions.count) regular expressions; up to "
                    + "\(Self.maximumExpressions) are read"
            )
        }
    }

    /// The value of the first pattern that matches.
    func value(_ path: String) throws(AdapterError) -> Double? {
        guard !literals.isEmpty || !expressions.isEmpty else { return nil }
        var first: (order: Int, value: Double)?
        if !literals.isEmpty {
            for end in ModulePath.ends(of: path) {
                for literal in literals[Self.dotted(end)] ?? []
                where literal.order < first?.order ?? .max && literal.matches(end) {
                    first = (literal.order, literal.value)
                }
            }
        }
        for entry in expressions where entry.order < first?.order ?? .max {
            if try entry.pattern.matches(path) { return entry.value }
        }
        return first?.value
    }

    private struct Literal {
        let text: [UInt8]
        let order: Int
        let value: Double

        init(_ text: [UInt8], _ order: Int, _ value: Double) {
            self.text = text
            self.order = order
            self.value = value
        }

        func matches(_ end: [UInt8]) -> Bool {
            zip(text, end).allSatisfy { $0 == $1 || $0 == UInt8(ascii: ".") }
        }
    }

    private static func dotted(_ text: [UInt8]) -> [UInt8] {
        text.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: ".") : $0 }
    }

    /// Whether a pattern is names joined by dots, without regular expressions in them.
    ///
    /// A dot that stands for a letter or a digit of a path is not found; nobody writes that.
    private static func isPlain(_ pattern: String) -> Bool {
        let parts = pattern.split(separator: ".", omittingEmptySubsequences: false)
        return parts.allSatisfy { part in
            !part.isEmpty
                && part.utf8.allSatisfy { $0 < 0x80 && TemplateLexer.isNameByte($0) }
        }
    }
}
