/// A column of an Arrow schema, or a part of one (apache/arrow, `format/Schema.fbs`).
struct ArrowField {
    let name: String
    let type: ArrowType
    let children: [ArrowField]
    /// The dictionary that its values are places in, and how those are stored.
    let dictionary: (id: Int, places: ArrowType)?

    private static let maximumDepth = 32
    /// More fields than any table has; a description may point to one of them many times.
    static let maximumFields = 4096

    /// The columns of a schema.
    static func columns(_ schema: FlatTable) throws(TableError) -> [ArrowField] {
        guard try schema.number(0, default: Int16(0)) == 0 else {
            throw TableError("Arrow files with high bytes first are not read")
        }
        var count = 0
        let columns = try fields(schema.tables(1), 0, "", &count)
        guard !columns.isEmpty else { throw TableError("the file has no columns") }
        return columns
    }

    private static func fields(
        _ tables: [FlatTable],
        _ depth: Int,
        _ path: String,
        _ count: inout Int
    ) throws(TableError) -> [ArrowField] {
        count += tables.count
        guard depth <= maximumDepth, count <= maximumFields else {
            throw TableError("more than \(maximumFields) columns, or nested too deep")
        }
        var fields: [ArrowField] = []
        for table in tables { fields.append(try ArrowField(table, depth, path, &count)) }
        return fields
    }

    private init(
        _ table: FlatTable,
        _ depth: Int,
        _ path: String,
        _ count: inout Int
    ) throws(TableError) {
        name = try table.text(0)
        let path = path.isEmpty ? name : "\(path).\(name)"
        children = try Self.fields(table.tables(5), depth + 1, path, &count)
        do throws(TableError) {
            type = try ArrowType(table.number(2, default: UInt8(0)), table.table(3))
            dictionary = try table.table(4).map { (encoding) throws(TableError) in
                let places = try encoding.table(1)
                return (
                    id: Int(try encoding.number(0, default: Int64(0))),
                    places: try places.map { (table) throws(TableError) in
                        try ArrowType(2, table)
                    } ?? .integer(bytes: 4, isSigned: true)
                )
            }
            guard type.children.contains(children.count) else {
                throw .damaged("a type with other parts than it has")
            }
            let names = Set(children.map(\.name))
            guard type != .object || names.count == children.count else {
                throw TableError("two of its members have one name")
            }
            if case .map = type {
                guard children[0].type == .object, children[0].children.count == 2,
                    children[0].children[0].type.isText
                else { throw TableError("maps are read where keys are texts") }
            }
        } catch {
            throw TableError("column '\(path)': \(error)")
        }
    }
}

/// What the values of a column are.
enum ArrowType: Equatable {
    case null, boolean
    case integer(bytes: Int, isSigned: Bool)
    case real(bytes: Int)
    /// Bytes, also where they are no text by name; offsets of four or eight bytes.
    case text(isLarge: Bool)
    /// Bytes that lie in any of several buffers.
    case textView
    case fixedText(bytes: Int)
    case decimal(bytes: Int, scale: Int)
    /// Days in four bytes, or milliseconds in eight.
    case date(isDays: Bool)
    case time(TimeUnit, bytes: Int)
    case timestamp(TimeUnit, isUniversal: Bool)
    case list(isLarge: Bool)
    case fixedList(count: Int)
    case object
    case map

    /// Reads a type by its number in the format.
    init(_ number: UInt8, _ table: FlatTable?) throws(TableError) {
        guard let table else { throw .damaged("a column has no type") }
        func unit(_ field: Int, _ standard: Int16) throws(TableError) -> TimeUnit {
            let number = try table.number(field, default: standard)
            guard let unit = TimeUnit(rawValue: Int(number)) else {
                throw .damaged("an unknown unit of time")
            }
            return unit
        }
        func bytes(_ field: Int, _ standard: Int32, _ widths: [Int32]) throws(TableError) -> Int {
            let width = try table.number(field, default: standard)
            guard widths.contains(width) else { throw .damaged("values of \(width) bits") }
            return Int(width) / 8
        }
        switch number {
        case 1: self = .null
        case 2:
            self = .integer(bytes: try bytes(0, 0, [8, 16, 32, 64]), isSigned: try table.flag(1))
        case 3:
            let precision = Int(try table.number(0, default: Int16(0)))
            guard (0...2).contains(precision) else { throw .damaged("an unknown precision") }
            self = .real(bytes: 2 << precision)
        case 4, 5: self = .text(isLarge: false)
        case 19, 20: self = .text(isLarge: true)
        case 23, 24: self = .textView
        case 6: self = .boolean
        case 7:
            self = .decimal(
                bytes: try bytes(2, 128, [32, 64, 128, 256]),
                scale: Int(try table.number(1, default: Int32(0)))
            )
        case 8: self = .date(isDays: try table.number(0, default: Int16(1)) == 0)
        case 9: self = .time(try unit(0, 1), bytes: try bytes(1, 32, [32, 64]))
        case 10: self = .timestamp(try unit(0, 0), isUniversal: try !table.text(1).isEmpty)
        case 12: self = .list(isLarge: false)
        case 21: self = .list(isLarge: true)
        case 13: self = .object
        case 15, 16:
            let count = Int(try table.number(0, default: Int32(0)))
            guard count >= 0 else { throw .damaged("values of negative size") }
            self = number == 15 ? .fixedText(bytes: count) : .fixedList(count: count)
        case 17: self = .map
        default:
            let names: [UInt8: String] = [
                11: "interval", 14: "union", 18: "duration", 22: "run-end encoded",
                25: "list view", 26: "large list view",
            ]
            throw TableError("values of the type \(names[number] ?? "\(number)") are not read")
        }
    }

    /// How many children a column of the type has.
    var children: ClosedRange<Int> {
        switch self {
        case .list, .fixedList, .map: 1...1
        case .object: 0...ArrowField.maximumFields
        default: 0...0
        }
    }

    var isText: Bool {
        switch self {
        case .text, .textView, .fixedText: true
        default: false
        }
    }

    /// Buffers beside the one that says which values are null; of views, without the data.
    var buffers: Int {
        switch self {
        case .null, .object, .fixedList: 0
        case .text: 2
        default: 1
        }
    }
}
