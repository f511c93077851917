/// A pattern over module paths as PEFT's configurations use them.
///
/// Nearly all are plain names, where only `.` has a meaning: any character. Others are regular
/// expressions.
struct ModulePattern {
    private enum Kind {
        case literal([UInt8], wholePath: Bool)
        case expression(TokenPattern)
    }

    private let kind: Kind

    /// Must match a whole path.
    init(whole pattern: String) throws(AdapterError) {
        kind = try Self.kind(pattern, wholePath: true)
    }

    /// Must match a path, or its end after a dot.
    init(suffix pattern: String) throws(AdapterError) {
        kind = try Self.kind(pattern, wholePath: false)
    }

    private static func kind(_ pattern: String, wholePath: Bool) throws(AdapterError) -> Kind {
        guard pattern.utf8.count <= 4096 else {
            throw .invalidField("a pattern", reason: "has \(pattern.utf8.count) bytes")
        }
        if pattern.utf8.allSatisfy(isPlain) {
            return .literal(Array(pattern.utf8), wholePath: wholePath)
        }
        let source = wholePath ? "^(?:\(pattern))$" : "^(?:.*\\.)?(?:\(pattern))$"
        do throws(TokenizerError) {
            return .expression(try TokenPattern(oniguruma: source, field: "pattern"))
        } catch {
            throw .invalidField(
                "the pattern \(quoted(pattern))",
                reason: "is not supported: \(error)"
            )
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    func matches(_ path: String) -> Bool {
        let path = Array(path.utf8)
        switch kind {
        case .literal(let pattern, let wholePath):
            guard path.count >= pattern.count, !wholePath || path.count == pattern.count else {
                return false
            }
            let rest = path.count - pattern.count
            let fits = zip(path.suffix(pattern.count), pattern).allSatisfy {
                $0 == $1 || $1 == UInt8(ascii: ".")
            }
            return fits && (rest == 0 || path[rest - 1] == UInt8(ascii: "."))
        case .expression(let pattern):
            return path.withUnsafeBufferPointer { text in
                var found = false
                PatternSearch(pattern).forEachMatch(in: text) {
                    found = found || $0 == 0..<text.count
                }
                return found
            }
        }
    }
}
