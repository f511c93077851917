/// Reads a call whose arguments stand in tags, as Qwen 3 Coder, GLM 4.5 and DeepSeek 3.2 write them.
struct TaggedCallReader {
    private let nameEnd: [UInt8], open: [UInt8], keyEnd: [UInt8]
    private let valueStart: [UInt8], close: [UInt8]
    private let callClosing: [UInt8]
    private let keepsLines: Bool
    private let parameters: [String: JSONValue]

    init(tags: ToolCallSyntax.Tags, callClosing: [UInt8], parameters: [String: JSONValue]) {
        // A number may follow the name, which is another one in each call.
        nameEnd = Array(tags.nameEnd.utf8.prefix { !$0.isWordPart }).trimmed
        open = Array(tags.open.utf8).trimmed
        keyEnd = Array(tags.keyEnd.utf8).trimmed
        valueStart = Array(tags.valueStart.utf8).trimmed
        close = Array(tags.close.utf8).trimmed
        // A template that sets values on lines of their own adds one line break on either side.
        keepsLines = !tags.close.utf8.starts(with: "\n".utf8)
        self.callClosing = callClosing
        self.parameters = parameters
    }

    func read(_ bytes: [UInt8], from start: Int) -> CallProgress {
        guard let (name, afterName) = name(bytes, from: start) else {
            return bytes.count - start > 512 ? .none : .unknown
        }
        guard !name.isEmpty else { return .none }
        var text: [UInt8] = []
        var index = afterName
        while true {
            let rest = bytes[index...]
            let next = rest.firstIndex(of: open)
            let end = callClosing.isEmpty ? nil : rest.firstIndex(of: callClosing)
            if let end, end <= next ?? end {
                return .whole(name: name, arguments: text.closingObject, end: end)
            }
            guard let next, let argument = argument(bytes, from: next + open.count, of: name) else {
                return .unfinished(name: name, arguments: text)
            }
            text += Array((text.isEmpty ? "{" : ",").utf8) + argument.member
            index = argument.end
        }
    }

    /// The function's name and where it ends; `nil` while it may go on.
    private func name(_ bytes: [UInt8], from start: Int) -> (name: String, end: Int)? {
        let rest = bytes[start...]
        let ends = [nameEnd, open, callClosing].filter { !$0.isEmpty }
        guard let end = ends.compactMap({ rest.firstIndex(of: $0) }).min() else { return nil }
        return (bytes[start..<end].trimmed.text, end)
    }

    private func argument(
        _ bytes: [UInt8],
        from start: Int,
        of function: String
    ) -> (member: [UInt8], end: Int)? {
        guard let keyPlace = bytes[start...].firstIndex(of: keyEnd) else { return nil }
        let key = bytes[start..<keyPlace].trimmed.text
        var valuePlace = keyPlace + keyEnd.count
        var isText: Bool?
        if !valueStart.isEmpty {
            guard let place = bytes[valuePlace...].firstIndex(of: valueStart) else { return nil }
            // DeepSeek says of every value whether it is a text.
            switch bytes[valuePlace..<place].trimmed.text {
            case "true", "string": isText = true
            default: isText = false
            }
            valuePlace = place + valueStart.count
        }
        guard let end = bytes[valuePlace...].firstIndex(of: close) else { return nil }
        var value = Array(bytes[valuePlace..<end])
        if !keepsLines {
            if value.first == UInt8(ascii: "\n") { value.removeFirst() }
            if value.last == UInt8(ascii: "\n") { value.removeLast() }
        }
        let schema = parameters[function]?["properties"]?[key]
        let json = ArgumentValue.json(value, isText: isText, schema: schema)
        return (
            JSONValue.string(key).serializedBytes + [UInt8(ascii: ":")] + json, end + close.count
        )
    }
}

extension [UInt8] {
    /// Members of an object that are all there, with the brace behind them.
    fileprivate var closingObject: [UInt8] {
        isEmpty ? ToolCallReader.empty : self + [UInt8(ascii: "}")]
    }
}

/// The value of an argument that was written as bare text.
enum ArgumentValue {
    /// The value as JSON.
    ///
    /// - Parameters:
    ///   - isText: What the model says of it; `nil` where it says nothing.
    ///   - schema: What the function wants.
    static func json(_ value: [UInt8], isText: Bool?, schema: JSONValue?) -> [UInt8] {
        if isText == true || (isText == nil && wantsText(schema)) { return string(value) }
        guard let parsed = try? JSONValue(parsing: value) else {
            // Python's words, which models that saw much Python write.
            switch value.trimmed.text {
            case "True": return Array("true".utf8)
            case "False": return Array("false".utf8)
            case "None": return Array("null".utf8)
            default: return string(value)
            }
        }
        // A text for a function that takes several kinds may look like another kind.
        return parsed.serializedBytes
    }

    private static func string(_ value: [UInt8]) -> [UInt8] {
        JSONValue.string(value.text).serializedBytes
    }

    /// Whether a function wants a text.
    static func wantsText(_ schema: JSONValue?) -> Bool {
        guard let schema else { return true }
        if let type = schema["type"]?.string { return type == "string" }
        if let types = schema["type"]?.array { return types.allSatisfy { $0 == "string" } }
        if let values = schema["enum"]?.array { return values.allSatisfy { $0.string != nil } }
        for key in ["anyOf", "oneOf", "allOf"] {
            if let schemas = schema[key]?.array { return schemas.allSatisfy { wantsText($0) } }
        }
        return false
    }
}
