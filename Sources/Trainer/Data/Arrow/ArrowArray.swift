import InferenceRuntime

/// The values of a column in some rows.
final class ArrowArray {
    let field: ArrowField
    /// How many values there are.
    let count: Int
    private let validity: ArrowBuffer?
    private let buffers: [ArrowBuffer]
    private let children: [ArrowArray]
    private let dictionary: ArrowDictionary?
    private let meter: TableMeter

    /// Takes the next parts of some rows.
    /// - Parameter isValues: The values of a dictionary, not places in it.
    init(
        _ field: ArrowField,
        _ parts: inout ArrowParts,
        isValues: Bool = false
    ) throws(TableError) {
        self.field = field
        meter = parts.meter
        let encoding = isValues ? nil : field.dictionary
        let node = try parts.node()
        count = node.count
        let type = encoding?.places ?? field.type
        // What is always null has no buffers.
        let valid = type == .null ? nil : try parts.buffer()
        validity = node.nulls == 0 || valid?.count == 0 ? nil : valid
        var buffers: [ArrowBuffer] = []
        for _ in 0..<type.buffers { buffers.append(try parts.buffer()) }
        if type == .textView { buffers += try parts.dataOfView() }
        self.buffers = buffers
        if let encoding {
            guard let found = parts.dictionaries[encoding.id] else {
                throw .damaged("column '\(field.name)' has no dictionary")
            }
            dictionary = found
            children = []
        } else {
            dictionary = nil
            var children: [ArrowArray] = []
            for child in field.children { children.append(try ArrowArray(child, &parts)) }
            self.children = children
        }
    }

    /// A value as JSON.
    func value(_ index: Int) throws(TableError) -> JSONValue {
        guard (0..<count).contains(index) else { throw .damaged("a value lies outside its column") }
        if let validity, try !validity.bit(index) {
            try meter.take(0)
            return .null
        }
        if let dictionary, let places = field.dictionary?.places {
            guard case .integer(let bytes, let isSigned) = places else {
                throw .damaged("places in a dictionary are no integers")
            }
            let place = try integer(index, bytes, isSigned).int ?? -1
            let (value, cost) = try dictionary.value(place)
            try meter.take(cost)
            return value
        }
        do throws(TableError) {
            return try plain(index)
        } catch {
            throw TableError("column '\(field.name)': \(error)")
        }
    }

    private func plain(_ index: Int) throws(TableError) -> JSONValue {
        switch field.type {
        case .list, .fixedList, .object, .map: return try nested(index)
        case .text, .textView, .fixedText: return try text(index)
        default: try meter.take(0)
        }
        switch field.type {
        case .boolean: return .bool(try buffers[0].bit(index))
        case .integer(let bytes, let isSigned): return try integer(index, bytes, isSigned)
        case .real(let bytes):
            switch bytes {
            case 2: return TableScalar.half(try buffers[0].number(UInt16.self, index))
            case 4:
                let bits = try buffers[0].number(UInt32.self, index)
                return JSONValue(Double(Float(bitPattern: bits)))
            default:
                return JSONValue(Double(bitPattern: try buffers[0].number(UInt64.self, index)))
            }
        case .decimal(let bytes, let scale):
            let value = try fixed(index, bytes)
            return try TableScalar.decimal(Array(value.reversed()), scale: scale)
        case .date(let isDays):
            guard !isDays else {
                return try TableScalar.date(days: Int(buffers[0].number(Int32.self, index)))
            }
            let milliseconds = try buffers[0].number(Int64.self, index)
            return try TableScalar.date(days: Int(milliseconds / 86_400_000))
        case .time(let unit, let bytes):
            let count =
                bytes == 4
                ? Int64(try buffers[0].number(Int32.self, index))
                : try buffers[0].number(Int64.self, index)
            return try TableScalar.time(count, unit)
        case .timestamp(let unit, let isUniversal):
            let count = try buffers[0].number(Int64.self, index)
            return try TableScalar.timestamp(count, unit, isUniversal: isUniversal)
        default: return .null
        }
    }

    private func integer(
        _ index: Int,
        _ bytes: Int,
        _ isSigned: Bool
    ) throws(TableError) -> JSONValue {
        let buffer = buffers[0]
        switch (bytes, isSigned) {
        case (1, true): return JSONValue(Int(try buffer.number(Int8.self, index)))
        case (1, false): return JSONValue(Int(try buffer.number(UInt8.self, index)))
        case (2, true): return JSONValue(Int(try buffer.number(Int16.self, index)))
        case (2, false): return JSONValue(Int(try buffer.number(UInt16.self, index)))
        case (4, true): return JSONValue(Int(try buffer.number(Int32.self, index)))
        case (4, false): return JSONValue(Int(try buffer.number(UInt32.self, index)))
        case (_, true): return JSONValue(Int(try buffer.number(Int64.self, index)))
        case (_, false): return TableScalar.unsigned(try buffer.number(UInt64.self, index))
        }
    }

    private func fixed(_ index: Int, _ width: Int) throws(TableError) -> ArraySlice<UInt8> {
        let (place, isBeyond) = index.multipliedReportingOverflow(by: width)
        guard !isBeyond else { throw .damaged("a value lies outside its buffer") }
        return try buffers[0].bytes(place, width)
    }

    private func text(_ index: Int) throws(TableError) -> JSONValue {
        switch field.type {
        case .text(let isLarge):
            let range = try range(index, isLarge)
            try meter.take(range.count)
            return try TableScalar.text(buffers[1].bytes(range.lowerBound, range.count))
        case .fixedText(let bytes):
            try meter.take(bytes)
            return try TableScalar.text(fixed(index, bytes))
        default:
            // A length; then the bytes, or four of them, a buffer and a place in it.
            let view = Array(try fixed(index, 16))
            let length = Int(Int32(littleEndianBytes: view))
            try meter.take(max(0, length))
            if (0...12).contains(length) { return try TableScalar.text(view[4..<(4 + length)]) }
            let buffer = Int(Int32(littleEndianBytes: view[8...])) + 1
            let place = Int(Int32(littleEndianBytes: view[12...]))
            guard buffer >= 1, buffer < buffers.count else {
                throw .damaged("a value lies in no buffer")
            }
            return try TableScalar.text(buffers[buffer].bytes(place, length))
        }
    }

    /// The range between the offsets of a value.
    private func range(_ index: Int, _ isLarge: Bool) throws(TableError) -> Range<Int> {
        let start: Int
        let end: Int
        if isLarge {
            start = Int(try buffers[0].number(Int64.self, index))
            end = Int(try buffers[0].number(Int64.self, index + 1))
        } else {
            start = Int(try buffers[0].number(Int32.self, index))
            end = Int(try buffers[0].number(Int32.self, index + 1))
        }
        guard start >= 0, start <= end else { throw .damaged("a value of negative size") }
        return start..<end
    }

    private func nested(_ index: Int) throws(TableError) -> JSONValue {
        switch field.type {
        case .object:
            try meter.take(field.children.reduce(0) { $0 + $1.name.utf8.count })
            var members: [(key: String, value: JSONValue)] = []
            for child in children {
                members.append((key: child.field.name, value: try child.value(index)))
            }
            return .object(JSONObject(members))
        case .fixedList(let size):
            let (start, isBeyond) = index.multipliedReportingOverflow(by: size)
            guard !isBeyond, size <= children[0].count, start <= children[0].count - size else {
                throw .damaged("a value lies outside its column")
            }
            return try list(start..<(start + size))
        case .list(let isLarge): return try list(range(index, isLarge))
        default:
            var object = JSONObject()
            for place in try range(index, false) {
                guard let pair = try children[0].value(place).object?.members, pair.count == 2,
                    let name = pair[0].value.string
                else { throw .damaged("a map has no key") }
                object[name] = pair[1].value
            }
            return .object(object)
        }
    }

    private func list(_ range: Range<Int>) throws(TableError) -> JSONValue {
        try meter.take(0)
        var items: [JSONValue] = []
        for place in range { items.append(try children[0].value(place)) }
        return .array(items)
    }
}
