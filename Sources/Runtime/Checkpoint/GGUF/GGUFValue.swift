/// A metadata value of a GGUF file.
public enum GGUFValue: Sendable, Equatable {
    case unsigned(UInt64)
    case signed(Int64)
    case float(Double)
    case bool(Bool)
    case string(String)
    /// Where its elements are; `GGUFFile.elements` reads them.
    case array(GGUFArray)

    /// The text of a string.
    public var string: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    /// The number of a float.
    public var double: Double? {
        guard case .float(let value) = self else { return nil }
        return value
    }

    /// The number of an integer that is not negative.
    public var unsigned: Int? {
        switch self {
        case .unsigned(let value): Int(exactly: value)
        case .signed(let value): value >= 0 ? Int(exactly: value) : nil
        default: nil
        }
    }

    var bool: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }
}

/// An array of metadata that was passed over.
public struct GGUFArray: Sendable, Hashable {
    /// The type of its elements as the format numbers them.
    let kind: UInt32
    let count: Int
    /// The first element's place in the header.
    let offset: Int
}

extension GGUFArray {
    /// The elements, from the header the array was found in; all are strings or all are numbers.
    func elements(in header: UnsafeRawBufferPointer) throws(GGUFError) -> [GGUFValue] {
        var cursor = GGUFCursor(header, at: offset)
        var result: [GGUFValue] = []
        result.reserveCapacity(count)
        for _ in 0..<count { result.append(try cursor.value(kind: kind)) }
        return result
    }
}

/// Why bytes are no GGUF file that is taken.
public struct GGUFError: Error, Sendable, Hashable {
    /// What is wrong with the file.
    public let reason: String

    init(_ reason: String) { self.reason = reason }
}
