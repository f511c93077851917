import InferenceRuntime

/// Reads the rows of a Parquet file (apache/parquet-format) as JSON objects, group of rows by group
/// of rows, page by page.
///
/// Records are put together from columns by their repetition and definition levels, as the Dremel
/// paper describes (Melnik et al., 2010).
final class ParquetFile: RowReader {
    private let file: TableFile
    private let meter: TableMeter
    private let schema: ParquetSchema
    private var groups: ArraySlice<ParquetMetadata.RowGroup>
    private var columns: [ParquetColumn] = []
    /// Rows left in the group that is being read.
    private var left = 0

    private static let largestFooter = 16 << 20

    /// Opens a file.
    /// - Parameter rowLimit: Bytes of the longest row.
    init(path: String, rowLimit: Int) throws(TableError) {
        file = try TableFile(path: path)
        meter = TableMeter(fileSize: file.size, rowLimit: rowLimit)
        // The end is the footer's length and the mark.
        guard file.size >= 12 else { throw .damaged("it ends too early") }
        var end = ByteReader(try file.bytes(at: file.size - 8, count: 8))
        let length = Int(try end.integer(UInt32.self))
        switch try end.take(4) {
        case Array("PAR1".utf8)[...]: break
        case Array("PARE".utf8)[...]: throw TableError("encrypted Parquet files are not read")
        default: throw .damaged("it ends too early")
        }
        guard length <= file.size - 12 else { throw .damaged("its footer lies outside it") }
        guard length <= Self.largestFooter else {
            throw TableError("its footer is larger than \(Self.largestFooter >> 20) MB")
        }
        let metadata = try ParquetMetadata(
            try file.bytes(at: file.size - 8 - length, count: length)
        )
        schema = try ParquetSchema(metadata.elements)
        groups = metadata.groups[...]
    }

    /// The next row; `nil` at the end.
    func next() throws(TableError) -> JSONValue? {
        while left == 0 {
            for column in columns {
                guard try column.next() == nil else {
                    throw .damaged("column '\(column.leaf.name)' has more rows than the rest")
                }
            }
            columns = []
            guard let group = groups.popFirst() else { return nil }
            try open(group)
        }
        left -= 1
        meter.beginRow()
        return .object(try object(schema.root, 0))
    }

    private func open(_ group: ParquetMetadata.RowGroup) throws(TableError) {
        guard group.rows >= 0, group.chunks.count == schema.leaves.count else {
            throw .damaged("a group of rows has not every column")
        }
        for (leaf, chunk) in zip(schema.leaves, group.chunks) {
            columns.append(try ParquetColumn(leaf, chunk, in: file, meter))
        }
        left = group.rows
    }

    private func object(
        _ fields: [ParquetNode],
        _ repetition: Int
    ) throws(TableError) -> JSONObject {
        var members: [(key: String, value: JSONValue)] = []
        members.reserveCapacity(fields.count)
        for field in fields {
            members.append((key: field.name, value: try value(field, repetition)))
        }
        return JSONObject(members)
    }

    /// The next value of a node.
    /// - Parameter repetition: The level that the first value of each of its columns must have.
    private func value(_ node: ParquetNode, _ repetition: Int) throws(TableError) -> JSONValue {
        if case .leaf(let place) = node.content {
            return try columns[place].take(repetition) ?? .null
        }
        guard try definition(node) >= node.definition else {
            try pass(node, repetition)
            return .null
        }
        switch node.content {
        case .leaf: return .null
        case .fields(let fields):
            try meter.take(fields.reduce(0) { $0 + $1.name.utf8.count })
            return .object(try object(fields, repetition))
        case .list(let item, let present, let own):
            var items: [JSONValue] = []
            try entries(of: node, present, repetition, own) { (level) throws(TableError) in
                items.append(try value(item, level))
            }
            return .array(items)
        case .map(let key, let item, let present, let own):
            var object = JSONObject()
            try entries(of: node, present, repetition, own) { (level) throws(TableError) in
                guard let name = try value(key, level).string else {
                    throw .damaged("a map has no key")
                }
                object[name] = try value(item, level)
            }
            return .object(object)
        }
    }

    /// Reads each entry of a list or a map.
    private func entries(
        of node: ParquetNode,
        _ present: Int,
        _ repetition: Int,
        _ own: Int,
        _ read: (_ repetition: Int) throws(TableError) -> Void
    ) throws(TableError) {
        try meter.take(0)
        guard try definition(node) >= present else { return try pass(node, repetition) }
        try read(repetition)
        while let levels = try columns[node.leaves.lowerBound].next(), levels.repetition == own {
            try read(own)
        }
    }

    /// The definition level of the first column of a node.
    private func definition(_ node: ParquetNode) throws(TableError) -> Int {
        guard let levels = try columns[node.leaves.lowerBound].next() else {
            throw .damaged("a column ends too early")
        }
        return levels.definition
    }

    /// Takes the marks of nothing from every column of a node.
    private func pass(_ node: ParquetNode, _ repetition: Int) throws(TableError) {
        for place in node.leaves {
            guard try columns[place].take(repetition) == nil else {
                throw .damaged("a value where there is none")
            }
        }
    }
}
