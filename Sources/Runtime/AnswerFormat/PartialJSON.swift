/// A JSON object of which only the beginning may be there yet.
struct PartialObject {
    /// One member.
    struct Member {
        let key: String
        /// The bytes of the value as far as they are there.
        let value: Range<Int>
        let isWhole: Bool
    }

    /// The members so far; the last may be unfinished.
    private(set) var members: [Member] = []
    /// Where the object ends; `nil` while it goes on.
    private(set) var end: Int?
    /// Whether this can't become a JSON object any more.
    private(set) var isBroken = false

    /// Reads an object that begins with the brace at `start`.
    init(_ bytes: [UInt8], from start: Int) {
        read(bytes, from: start)
    }

    private mutating func read(_ bytes: [UInt8], from start: Int) {
        var index = start + 1
        while true {
            index = bytes.skippingSpace(from: index)
            guard index < bytes.count else { return }
            if bytes[index] == UInt8(ascii: "}") {
                end = index + 1
                return
            }
            if !members.isEmpty {
                guard bytes[index] == UInt8(ascii: ",") else { return fail() }
                index = bytes.skippingSpace(from: index + 1)
                guard index < bytes.count else { return }
            }
            guard bytes[index] == UInt8(ascii: "\"") else { return fail() }
            guard let keyEnd = JSONSpan.stringEnd(bytes, from: index) else { return }
            guard let key = try? JSONValue(parsing: Array(bytes[index..<keyEnd])).string else {
                return fail()
            }
            index = bytes.skippingSpace(from: keyEnd)
            guard index < bytes.count else { return }
            guard bytes[index] == UInt8(ascii: ":") else { return fail() }
            index = bytes.skippingSpace(from: index + 1)
            guard index < bytes.count else { return }
            let valueEnd = JSONSpan.valueEnd(bytes, from: index)
            members.append(
                Member(
                    key: key,
                    value: index..<(valueEnd ?? bytes.count),
                    isWhole: valueEnd != nil
                )
            )
            guard let valueEnd else { return }
            index = valueEnd
        }
    }

    private mutating func fail() { isBroken = true }

    /// The first member with one of some keys.
    func member(_ keys: [String]) -> Member? {
        members.first { member in keys.contains { $0.utf8.elementsEqual(member.key.utf8) } }
    }
}

/// Where JSON values end in a text that may stop short.
enum JSONSpan {
    /// The end of the string whose quote is at `start`; `nil` where it is not there.
    static func stringEnd(_ bytes: [UInt8], from start: Int) -> Int? {
        var index = start + 1
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\\"): index += 2
            case UInt8(ascii: "\""): return index + 1
            default: index += 1
            }
        }
        return nil
    }

    /// The end of the value that begins at `start`; `nil` where it is not there, also for a number
    /// or word that what comes next could go on.
    static func valueEnd(_ bytes: [UInt8], from start: Int) -> Int? {
        guard start < bytes.count else { return nil }
        switch bytes[start] {
        case UInt8(ascii: "\""): return stringEnd(bytes, from: start)
        case UInt8(ascii: "{"), UInt8(ascii: "["): return nestedEnd(bytes, from: start)
        default:
            let rest = bytes[start...]
            return rest.firstIndex { $0.isJSONSpace || [0x2C, 0x5D, 0x7D].contains($0) }
        }
    }

    private static func nestedEnd(_ bytes: [UInt8], from start: Int) -> Int? {
        var depth = 0
        var index = start
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                guard let end = stringEnd(bytes, from: index) else { return nil }
                index = end
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 { return index + 1 }
            default: break
            }
            index += 1
        }
        return nil
    }
}
