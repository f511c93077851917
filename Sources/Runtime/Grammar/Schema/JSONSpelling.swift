/// How JSON is spelled: compact, with a blank behind `,` and `:`, or broken into lines.
///
/// White space is bounded: one blank, or one line break and its indentation.
struct JSONSpelling {
    let arena: RegexArena
    let null: RegexID
    let boolean: RegexID
    let openBrace: RegexID
    let closeBrace: RegexID
    let openBracket: RegexID
    let closeBracket: RegexID
    let comma: RegexID
    /// What closes an object or array with nothing in it.
    let brace: RegexID
    let bracket: RegexID
    private let gap: RegexID
    private let blank: RegexID

    private static let maximumIndentation = 40

    init(arena: RegexArena) {
        self.arena = arena
        func literal(_ text: String) -> RegexID { arena.literal(Array(text.utf8)) }
        let indentation = arena.union([
            arena.repeated(literal(" "), 0, Self.maximumIndentation),
            arena.repeated(literal("\t"), 0, Self.maximumIndentation / 2),
        ])
        gap = arena.optional(
            arena.union([literal(" "), arena.concatenate(literal("\n"), indentation)])
        )
        blank = arena.optional(literal(" "))
        null = literal("null")
        boolean = arena.union([literal("true"), literal("false")])
        openBrace = arena.concatenate(literal("{"), gap)
        closeBrace = arena.concatenate(gap, literal("}"))
        openBracket = arena.concatenate(literal("["), gap)
        closeBracket = arena.concatenate(gap, literal("]"))
        brace = literal("}")
        bracket = literal("]")
        comma = arena.concatenate(literal(","), gap)
    }

    /// A key with its colon.
    func key(_ key: String) -> RegexID {
        let text = [UInt8(ascii: "\"")] + RegexArena.jsonContent(key) + Array("\":".utf8)
        return arena.concatenate(arena.literal(text), blank)
    }

    /// Keys that match, quotes included, with their colon.
    func keys(_ regex: RegexID) -> RegexID {
        arena.concatenate([regex, arena.literal(Array(":".utf8)), blank])
    }

    /// The usual spelling of a value that is no array or object.
    func spelling(ofScalar value: JSONValue) -> [UInt8] {
        if case .number(let number) = value, let exact = ExactDecimal(number),
            let plain = exact.plainSpelling, exact.exponent > -30, exact.exponent < 30
        {
            return Array(plain.utf8)
        }
        return value.serializedBytes
    }

    /// The spellings of one value, members in their order.
    func spellings(of value: JSONValue) -> RegexID {
        switch value {
        case .array(let elements):
            let close = elements.isEmpty ? bracket : closeBracket
            return enclosed(openBracket, elements.map { spellings(of: $0) }, close)
        case .object(let object):
            let members = object.members.map {
                arena.concatenate(key($0.key), spellings(of: $0.value))
            }
            return enclosed(openBrace, members, members.isEmpty ? brace : closeBrace)
        default: return arena.literal(spelling(ofScalar: value))
        }
    }

    private func enclosed(_ open: RegexID, _ parts: [RegexID], _ close: RegexID) -> RegexID {
        var all = [open]
        for (index, part) in parts.enumerated() {
            if index > 0 { all.append(comma) }
            all.append(part)
        }
        return arena.concatenate(all + [close])
    }
}
