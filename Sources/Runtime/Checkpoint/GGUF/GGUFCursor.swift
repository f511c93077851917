/// Reads a GGUF header from its beginning, never past its end.
struct GGUFCursor {
    private let buffer: UnsafeRawBufferPointer
    private(set) var offset: Int

    init(_ buffer: UnsafeRawBufferPointer, at offset: Int = 0) {
        self.buffer = buffer
        self.offset = offset
    }

    mutating func bytes(_ count: Int) throws(GGUFError) -> UnsafeRawBufferPointer {
        guard count >= 0, offset <= buffer.count, count <= buffer.count - offset else {
            throw GGUFError("it ends too early")
        }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: buffer[offset..<offset + count])
    }

    mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>() throws(GGUFError) -> Value {
        Value(littleEndian: try bytes(MemoryLayout<Value>.size).loadUnaligned(as: Value.self))
    }

    mutating func count(limit: Int, of what: String) throws(GGUFError) -> Int {
        let value: UInt64 = try integer()
        guard value <= UInt64(limit) else { throw GGUFError("\(value) \(what) are too many") }
        return Int(value)
    }

    mutating func string(limit: Int = GGUFCursor.longestString) throws(GGUFError) -> String {
        let length = try count(limit: limit, of: "bytes in a string")
        guard let text = String(validating: try bytes(length), as: UTF8.self) else {
            throw GGUFError("a string is not UTF-8")
        }
        return text
    }

    mutating func value(kind: UInt32) throws(GGUFError) -> GGUFValue {
        switch kind {
        case 0: .unsigned(UInt64(try integer() as UInt8))
        case 1: .signed(Int64(try integer() as Int8))
        case 2: .unsigned(UInt64(try integer() as UInt16))
        case 3: .signed(Int64(try integer() as Int16))
        case 4: .unsigned(UInt64(try integer() as UInt32))
        case 5: .signed(Int64(try integer() as Int32))
        case 6: .float(Double(Float(bitPattern: try integer())))
        case 7: .bool(try integer() as UInt8 != 0)
        case 8: .string(try string())
        case 9: .array(try array())
        case 10: .unsigned(try integer())
        case 11: .signed(try integer())
        case 12: .float(Double(bitPattern: try integer()))
        default: throw GGUFError("a value has the unknown type \(kind)")
        }
    }

    static let longestString = 1 << 20

    /// Passes over the elements of an array, which are read when they are asked for.
    private mutating func array() throws(GGUFError) -> GGUFArray {
        let kind: UInt32 = try integer()
        let count = try count(limit: 1 << 24, of: "array elements")
        let first = offset
        if kind == 8 {
            for _ in 0..<count {
                _ = try bytes(try self.count(limit: Self.longestString, of: "bytes in a string"))
            }
        } else {
            let widths: [UInt32: Int] = [
                0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8,
            ]
            guard let width = widths[kind] else {
                throw GGUFError("an array has the type \(kind)")
            }
            _ = try bytes(count * width)
        }
        return GGUFArray(kind: kind, count: count, offset: first)
    }
}
