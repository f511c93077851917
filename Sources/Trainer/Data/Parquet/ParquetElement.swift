/// An element of a Parquet schema, as it is written: a column, or a group of the next ones.
struct ParquetElement {
    var name = ""
    /// The physical type's number; `nil` for a group.
    var type: Int?
    /// Bytes of a value of fixed length.
    var length = 0
    var repetition = Repetition.required
    var children = 0
    var scale = 0
    var annotation = Annotation.none

    /// How often a value is there.
    enum Repetition: Int { case required, optional, repeated }

    /// What a value means.
    enum Annotation: Equatable {
        case none, text, list, map, date, uuid, half, null
        case decimal
        case unsigned
        case time(TimeUnit)
        case timestamp(TimeUnit, isUniversal: Bool)
        /// What is not read, by its name.
        case other(String)
    }

    init(_ reader: inout ThriftReader) throws(TableError) {
        var element = ParquetElement()
        try reader.fields { (reader, field) throws(TableError) in
            switch field.id {
            case 1: element.type = try reader.integer(field)
            case 2: element.length = try reader.integer(field)
            case 3:
                guard let repetition = Repetition(rawValue: try reader.integer(field)) else {
                    throw .damaged("an unknown repetition")
                }
                element.repetition = repetition
            case 4:
                element.name = try reader.text(field)
                guard element.name.utf8.count <= TableFormat.longestName else {
                    throw .damaged("a name is too long")
                }
            case 5: element.children = try reader.integer(field)
            case 6:
                // The newer annotation, which comes later, says more.
                element.annotation = Annotation(converted: try reader.integer(field))
            case 7: element.scale = try reader.integer(field)
            case 10: try element.readLogicalType(&reader)
            default: return false
            }
            return true
        }
        self = element
    }

    private init() {}

    private mutating func readLogicalType(_ reader: inout ThriftReader) throws(TableError) {
        var element = self
        try reader.fields { (reader, field) throws(TableError) in
            switch field.id {
            case 1, 4, 12: element.annotation = .text
            case 2: element.annotation = .map
            case 3: element.annotation = .list
            case 5:
                element.annotation = .decimal
                let numbers = try Self.numbers(&reader)
                element.scale = numbers[1] ?? element.scale
                return true
            case 6: element.annotation = .date
            case 7, 8:
                let (unit, isUniversal) = try Self.time(&reader)
                element.annotation =
                    field.id == 7 ? .time(unit) : .timestamp(unit, isUniversal: isUniversal)
                return true
            case 10:
                let isSigned = try Self.isSigned(&reader)
                element.annotation = isSigned ? .none : .unsigned
                return true
            case 11: element.annotation = .null
            case 13: element.annotation = .none
            case 14: element.annotation = .uuid
            case 15: element.annotation = .half
            case 16: element.annotation = .other("VARIANT")
            default: element.annotation = .other("of an unknown type")
            }
            return false
        }
        self = element
    }

    /// The whole numbers of a structure by field.
    private static func numbers(_ reader: inout ThriftReader) throws(TableError) -> [Int: Int] {
        var numbers: [Int: Int] = [:]
        try reader.fields { (reader, field) throws(TableError) in
            numbers[field.id] = try reader.integer(field)
            return true
        }
        return numbers
    }

    private static func isSigned(_ reader: inout ThriftReader) throws(TableError) -> Bool {
        var isSigned = true
        try reader.fields { (_, field) throws(TableError) in
            if field.id == 2 { isSigned = field.isTrue }
            return false
        }
        return isSigned
    }

    private static func time(
        _ reader: inout ThriftReader
    ) throws(TableError) -> (TimeUnit, isUniversal: Bool) {
        var unit: TimeUnit?
        var isUniversal = false
        try reader.fields { (reader, field) throws(TableError) in
            if field.id == 1 { isUniversal = field.isTrue }
            guard field.id == 2 else { return false }
            try reader.fields { (_, field) throws(TableError) in
                unit = TimeUnit(rawValue: field.id)
                return false
            }
            return true
        }
        guard let unit else { throw .damaged("an unknown unit of time") }
        return (unit, isUniversal)
    }
}

extension ParquetElement.Annotation {
    /// What older writers say.
    init(converted: Int) {
        switch converted {
        case 0, 4, 19: self = .text
        case 1, 2: self = .map
        case 3: self = .list
        case 5: self = .decimal
        case 6: self = .date
        case 7: self = .time(.milliseconds)
        case 8: self = .time(.microseconds)
        case 9: self = .timestamp(.milliseconds, isUniversal: true)
        case 10: self = .timestamp(.microseconds, isUniversal: true)
        case 11, 12, 13, 14: self = .unsigned
        case 21: self = .other("INTERVAL")
        default: self = .none
        }
    }
}
