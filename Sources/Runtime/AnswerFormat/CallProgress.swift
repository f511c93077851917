/// How far one tool call has come in a text that still grows.
enum CallProgress: Equatable {
    /// More text is needed; what is known will not change.
    case unfinished(name: String?, arguments: [UInt8])
    /// The call is whole and ends before `end`; `arguments` is a JSON object as text.
    case whole(name: String, arguments: [UInt8], end: Int)
    /// The text is no call.
    case none

    /// Nothing is known yet.
    static let unknown = CallProgress.unfinished(name: nil, arguments: [])
}

/// Reads the body of one call, in any of the forms.
struct ToolCallReader {
    let body: ToolCallSyntax.Body
    /// What follows the body, without white space.
    let callClosing: [UInt8]
    /// The parameters of each function, as JSON Schema: they tell a text from a number.
    let parameters: [String: JSONValue]

    /// Reads what lies from `start` on.
    func read(_ bytes: [UInt8], from start: Int) -> CallProgress {
        switch body {
        case .object(let name, let arguments): object(bytes, start, name, arguments)
        case .keyed: keyed(bytes, start)
        case .named(let separator, _): named(bytes, start, Array(separator.utf8))
        case .tagged(let tags):
            TaggedCallReader(tags: tags, callClosing: callClosing, parameters: parameters)
                .read(bytes, from: start)
        case .python: PythonCallReader.read(bytes, from: start)
        case .braced(let quote):
            BracedCallReader(quote: Array(quote.utf8)).read(bytes, from: start)
        }
    }

    private func object(
        _ bytes: [UInt8],
        _ start: Int,
        _ nameKey: String,
        _ argumentsKey: String
    ) -> CallProgress {
        let start = bytes.skippingSpace(from: start)
        guard start < bytes.count else { return .unknown }
        guard bytes[start] == UInt8(ascii: "{") else { return .none }
        let object = PartialObject(bytes, from: start)
        guard !object.isBroken else { return .none }
        var name: String?
        if let member = object.member([nameKey, "name"]), member.isWhole {
            name = try? JSONValue(parsing: Array(bytes[member.value])).string
            guard let name, !name.isEmpty else { return .none }
        }
        let member = object.member([argumentsKey, "arguments", "parameters"])
        let arguments = member.map { Self.arguments(bytes, $0) } ?? []
        if let end = object.end {
            guard let name else { return .none }
            return .whole(
                name: name,
                arguments: arguments.isEmpty ? Self.empty : arguments,
                end: end
            )
        }
        return .unfinished(name: name, arguments: name == nil ? [] : arguments)
    }

    private func keyed(_ bytes: [UInt8], _ start: Int) -> CallProgress {
        let start = bytes.skippingSpace(from: start)
        guard start < bytes.count else { return .unknown }
        guard bytes[start] == UInt8(ascii: "{") else { return .none }
        let object = PartialObject(bytes, from: start)
        guard !object.isBroken, object.members.count <= 1 else { return .none }
        guard let member = object.members.first else { return object.end == nil ? .unknown : .none }
        let arguments = Self.arguments(bytes, member)
        guard let end = object.end else {
            return .unfinished(name: member.key, arguments: arguments)
        }
        return .whole(name: member.key, arguments: arguments, end: end)
    }

    private func named(_ bytes: [UInt8], _ start: Int, _ separator: [UInt8]) -> CallProgress {
        // The separator may be written otherwise than the template does; a name ends before it.
        let first = bytes.skippingSpace(from: start)
        let nameEnd = bytes[first...].firstIndex { !$0.isNamePart } ?? bytes.count
        guard nameEnd < bytes.count else { return .unknown }
        guard nameEnd > first else { return .none }
        let name = bytes[first..<nameEnd].text
        guard let brace = bytes[nameEnd...].firstIndex(of: UInt8(ascii: "{")) else {
            return bytes.count - nameEnd > separator.count + 64 ? .none : .unknown
        }
        guard brace - nameEnd <= separator.count + 64 else { return .none }
        guard let end = JSONSpan.valueEnd(bytes, from: brace) else {
            return .unfinished(name: name, arguments: Array(bytes[brace...]))
        }
        return .whole(name: name, arguments: Array(bytes[brace..<end]), end: end)
    }

    static let empty = Array("{}".utf8)

    /// A value as the text of an object; some models write the arguments as a JSON string.
    private static func arguments(_ bytes: [UInt8], _ member: PartialObject.Member) -> [UInt8] {
        let value = Array(bytes[member.value])
        guard value.first == UInt8(ascii: "\"") else {
            guard value.first == UInt8(ascii: "{") else { return member.isWhole ? empty : [] }
            return value
        }
        guard member.isWhole, let text = try? JSONValue(parsing: value).string else { return [] }
        let inner = Array(text.utf8).trimmed
        return inner.isEmpty ? empty : inner
    }
}
