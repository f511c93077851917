/// Reads values as Python writes them, or in braces with special quotes, and gives them as JSON.
///
/// Values nest at most `maximumDepth` deep: the text is the model's, and the model reads the
/// client's.
struct LiteralReader {
    /// Why reading stopped.
    enum Stop: Error {
        /// The text ends within a value.
        case unfinished
        /// The text is no value.
        case broken
    }

    static let maximumDepth = 64

    let bytes: [UInt8]
    /// Quotes around texts; empty for Python's.
    let quote: [UInt8]
    private(set) var index: Int

    init(_ bytes: [UInt8], from start: Int, quote: [UInt8] = []) {
        self.bytes = bytes
        self.quote = quote
        index = start
    }

    /// The next byte that is no white space.
    mutating func peek() throws(Stop) -> UInt8 {
        index = bytes.skippingSpace(from: index)
        guard index < bytes.count else { throw .unfinished }
        return bytes[index]
    }

    /// Goes past a byte if it is the next one.
    mutating func take(_ character: Unicode.Scalar) throws(Stop) -> Bool {
        guard try peek() == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    /// The name up to one of some characters.
    mutating func name(until ends: [UInt8]) throws(Stop) -> String {
        _ = try peek()
        let start = index
        while index < bytes.count, !ends.contains(bytes[index]) {
            if bytes[index] == 0x0A || index - start > 256 { throw .broken }
            index += 1
        }
        guard index < bytes.count else { throw .unfinished }
        let name = bytes[start..<index].trimmed.text
        guard !name.isEmpty else { throw .broken }
        return name
    }

    /// One value.
    mutating func value(depth: Int = 0) throws(Stop) -> JSONValue {
        guard depth < Self.maximumDepth else { throw .broken }
        let first = try peek()
        if !quote.isEmpty {
            switch bytes.matching(quote, from: index) {
            case .whole: return .string(try quoted())
            case .partial: throw .unfinished
            case .none: break
            }
        }
        switch first {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return .string(try pythonString(first))
        case UInt8(ascii: "["):
            index += 1
            var items: [JSONValue] = []
            while try !take("]") {
                items.append(try value(depth: depth + 1))
                if try !take(","), try peek() != UInt8(ascii: "]") { throw .broken }
            }
            return .array(items)
        case UInt8(ascii: "{"):
            index += 1
            var members: [(key: String, value: JSONValue)] = []
            while try !take("}") {
                let key = try key(depth)
                guard try take(":") else { throw .broken }
                members.append((key: key, value: try value(depth: depth + 1)))
                if try !take(","), try peek() != UInt8(ascii: "}") { throw .broken }
            }
            return .object(JSONObject(members))
        default: return try word()
        }
    }

    private mutating func key(_ depth: Int) throws(Stop) -> String {
        let first = try peek()
        let isQuoted = first == UInt8(ascii: "\"") || first == UInt8(ascii: "'")
        if isQuoted || (!quote.isEmpty && bytes.matching(quote, from: index) != .none) {
            guard case .string(let key) = try value(depth: depth + 1) else { throw .broken }
            return key
        }
        return try name(until: [UInt8(ascii: ":"), UInt8(ascii: ","), UInt8(ascii: "}")])
    }

    private mutating func quoted() throws(Stop) -> String {
        index += quote.count
        guard let end = bytes[index...].firstIndex(of: quote) else { throw .unfinished }
        defer { index = end + quote.count }
        return bytes[index..<end].text
    }

    private mutating func pythonString(_ mark: UInt8) throws(Stop) -> String {
        var text: [UInt8] = []
        index += 1
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte == mark { return text.text }
            guard byte == UInt8(ascii: "\\") else {
                text.append(byte)
                continue
            }
            guard index < bytes.count else { throw .unfinished }
            text.append(contentsOf: try escaped())
        }
        throw .unfinished
    }

    /// What follows a backslash.
    private mutating func escaped() throws(Stop) -> [UInt8] {
        let byte = bytes[index]
        index += 1
        switch byte {
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "u"):
            var units = [try hexadecimal()]
            // A character beyond the first 65,536 is written as two.
            if UTF16.isLeadSurrogate(units[0]), bytes[index...].starts(with: "\\u".utf8) {
                index += 2
                units.append(try hexadecimal())
            }
            return Array(String(decoding: units, as: UTF16.self).utf8)
        case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "/"):
            return [byte]
        default: return [UInt8(ascii: "\\"), byte]
        }
    }

    /// Four digits of a character.
    private mutating func hexadecimal() throws(Stop) -> UInt16 {
        guard index + 4 <= bytes.count else { throw .unfinished }
        defer { index += 4 }
        guard let code = UInt16(bytes[index..<index + 4].text, radix: 16) else { throw .broken }
        return code
    }

    /// A number or a word, which ends where a sign of structure follows.
    private mutating func word() throws(Stop) -> JSONValue {
        let start = index
        while index < bytes.count, !",)]}".utf8.contains(bytes[index]) { index += 1 }
        guard index < bytes.count else { throw .unfinished }
        let text = bytes[start..<index].trimmed
        switch text.text {
        case "True", "true": return true
        case "False", "false": return false
        case "None", "null": return nil
        default:
            guard let value = try? JSONValue(parsing: text), value.double != nil else {
                // Braced forms leave words without quotes.
                if !quote.isEmpty, !text.isEmpty { return .string(text.text) }
                throw .broken
            }
            return value
        }
    }
}

/// Reads `name(key="value", other=1)`.
enum PythonCallReader {
    static func read(_ bytes: [UInt8], from start: Int) -> CallProgress {
        var reader = LiteralReader(bytes, from: start)
        do throws(LiteralReader.Stop) {
            let name = try reader.name(until: [UInt8(ascii: "(")])
            guard name.utf8.allSatisfy(\.isNamePart), try reader.take("(") else { return .none }
            var members: [(key: String, value: JSONValue)] = []
            while try !reader.take(")") {
                let key = try reader.name(until: Array("=,)(".utf8))
                guard key.utf8.allSatisfy(\.isNamePart), try reader.take("=") else { return .none }
                members.append((key: key, value: try reader.value()))
                if try !reader.take(","), try reader.peek() != UInt8(ascii: ")") { return .none }
            }
            let arguments = JSONValue.object(JSONObject(members)).serializedBytes
            return .whole(name: name, arguments: arguments, end: reader.index)
        } catch {
            return error == .broken ? .none : .unknown
        }
    }
}

/// Reads `name{key:<|"|>value<|"|>,other:1}`, as Gemma 4 writes it.
struct BracedCallReader {
    let quote: [UInt8]

    func read(_ bytes: [UInt8], from start: Int) -> CallProgress {
        var reader = LiteralReader(bytes, from: start, quote: quote)
        do throws(LiteralReader.Stop) {
            let name = try reader.name(until: [UInt8(ascii: "{")])
            let arguments = try reader.value()
            return .whole(name: name, arguments: arguments.serializedBytes, end: reader.index)
        } catch {
            return error == .broken ? .none : .unknown
        }
    }
}
