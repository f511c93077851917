import InferenceRuntime

/// A column of a Parquet file that has bytes of its own, and what they mean.
struct ParquetLeaf {
    /// The names on the way to it, for messages.
    let name: String
    let type: ParquetType
    /// The largest definition level, that of a value.
    let definition: Int
    /// The largest repetition level.
    let repetition: Int
    private let annotation: ParquetElement.Annotation
    private let scale: Int

    init(
        _ element: ParquetElement,
        type: Int,
        name: String,
        definition: Int,
        repetition: Int
    ) throws(TableError) {
        self.name = name
        self.definition = definition
        self.repetition = repetition
        scale = element.scale
        annotation = element.annotation
        guard let type = ParquetType(type, length: element.length) else {
            throw TableError("column '\(name)' has a type that is not known")
        }
        self.type = type
        if case .other(let kind) = annotation {
            throw TableError("column '\(name)': values of the type \(kind) are not read")
        }
        let isFitting =
            switch annotation {
            case .none, .null, .list, .map, .other: true
            case .text: type == .bytes || isFixed
            case .date: type == .int32
            case .uuid: type == .fixed(16)
            case .half: type == .fixed(2)
            case .decimal: type != .boolean && type != .float && type != .double
            case .unsigned, .time, .timestamp: type == .int32 || type == .int64
            }
        guard isFitting else { throw .damaged("column '\(name)' cannot have its type") }
    }

    private var isFixed: Bool { if case .fixed = type { true } else { false } }

    /// Whether values are texts, or bytes that may be.
    var isText: Bool {
        (annotation == .text || annotation == .none) && (type == .bytes || isFixed)
    }

    /// A value as JSON.
    func json(_ value: ParquetValue) throws(TableError) -> JSONValue {
        do throws(TableError) {
            switch value {
            case .boolean(let value): return .bool(value)
            case .real(let value): return JSONValue(value)
            case .integer(let value): return try json(value)
            case .bytes(let value): return try json(value)
            }
        } catch {
            throw TableError("column '\(name)': \(error)")
        }
    }

    private func json(_ value: Int64) throws(TableError) -> JSONValue {
        switch annotation {
        case .unsigned:
            let bits = UInt64(bitPattern: value)
            return TableScalar.unsigned(type == .int32 ? bits & 0xFFFF_FFFF : bits)
        case .date: return try TableScalar.date(days: Int(value))
        case .time(let unit): return try TableScalar.time(value, unit)
        case .timestamp(let unit, let isUniversal):
            return try TableScalar.timestamp(value, unit, isUniversal: isUniversal)
        case .decimal:
            let bytes = (0..<8).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
            return try TableScalar.decimal(bytes, scale: scale)
        default: return JSONValue(Int(value))
        }
    }

    private func json(_ value: ArraySlice<UInt8>) throws(TableError) -> JSONValue {
        switch (type, annotation) {
        case (.int96, _):
            // Nanoseconds of the day, then the Julian day.
            let nanoseconds = Int64(littleEndianBytes: value.prefix(8))
            let days = Int(UInt32(littleEndianBytes: value.suffix(4))) - 2_440_588
            let (start, isBeyond) = Int64(days).multipliedReportingOverflow(by: 86_400_000_000_000)
            let (time, isFarther) = start.addingReportingOverflow(nanoseconds)
            guard !isBeyond, !isFarther else { throw TableError("a date outside 1677 to 2262") }
            return try TableScalar.timestamp(time, .nanoseconds, isUniversal: false)
        case (_, .decimal): return try TableScalar.decimal(value, scale: scale)
        case (_, .half): return TableScalar.half(UInt16(littleEndianBytes: value))
        case (_, .uuid):
            let hex = value.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
            let parts = [0..<4, 4..<6, 6..<8, 8..<10, 10..<16].map { hex[$0].joined() }
            return .string(parts.joined(separator: "-"))
        default: return try TableScalar.text(value)
        }
    }
}

/// How a column's values are stored.
enum ParquetType: Equatable {
    case boolean, int32, int64, int96, float, double, bytes
    case fixed(Int)

    /// - Parameter length: Bytes of a value of fixed length.
    init?(_ number: Int, length: Int) {
        switch number {
        case 0: self = .boolean
        case 1: self = .int32
        case 2: self = .int64
        case 3: self = .int96
        case 4: self = .float
        case 5: self = .double
        case 6: self = .bytes
        case 7 where (1...1 << 20).contains(length): self = .fixed(length)
        default: return nil
        }
    }

    /// Bytes of a value; `nil` where they differ, or are bits.
    var width: Int? {
        switch self {
        case .boolean, .bytes: nil
        case .int32, .float: 4
        case .int64, .double: 8
        case .int96: 12
        case .fixed(let length): length
        }
    }

    /// The value that so many bytes stand for.
    func value(_ bytes: ArraySlice<UInt8>) -> ParquetValue {
        switch self {
        case .int32: .integer(Int64(Int32(littleEndianBytes: bytes)))
        case .int64: .integer(Int64(littleEndianBytes: bytes))
        case .float: .real(Double(Float(bitPattern: UInt32(littleEndianBytes: bytes))))
        case .double: .real(Double(bitPattern: UInt64(littleEndianBytes: bytes)))
        default: .bytes(bytes)
        }
    }
}

/// A value as it is stored.
enum ParquetValue {
    case boolean(Bool)
    case integer(Int64)
    case real(Double)
    case bytes(ArraySlice<UInt8>)

    /// Bytes it takes beyond what every value takes.
    var size: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        default: 0
        }
    }
}
