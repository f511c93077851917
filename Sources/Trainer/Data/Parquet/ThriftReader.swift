/// Reads Thrift's compact protocol (apache/thrift, `thrift-compact-protocol.md`), as far as Parquet
/// uses it.
struct ThriftReader {
    private var bytes: ByteReader
    private var depth = 0

    /// Structures within structures.
    private static let maximumDepth = 32

    /// A field of a structure, whose value is read next.
    struct Field {
        let id: Int
        fileprivate let type: UInt8
        /// A truth value, which stands in the field's type.
        let isTrue: Bool
    }

    init(_ bytes: [UInt8]) { self.bytes = ByteReader(bytes) }

    /// Where the next value begins.
    var position: Int { bytes.position }

    /// Reads the fields of a structure; what `body` does not read of one is passed over.
    /// - Parameter body: Reads a field's value and says so with `true`.
    mutating func fields(
        _ body: (inout ThriftReader, Field) throws(TableError) -> Bool
    ) throws(TableError) {
        try enter()
        var id = 0
        while true {
            let head = try bytes.byte()
            if head == 0 { break }
            let step = Int(head >> 4)
            id = step == 0 ? Int(Int16(truncatingIfNeeded: try bytes.zigzag())) : id + step
            let field = Field(id: id, type: head & 15, isTrue: head & 15 == 1)
            guard try !body(&self, field) else { continue }
            try skip(field.type)
        }
        depth -= 1
    }

    /// Reads a list of structures or numbers; `body` reads an element.
    mutating func list(
        _ field: Field,
        _ body: (inout ThriftReader) throws(TableError) -> Void
    ) throws(TableError) {
        guard field.type == 9 else { throw .damaged("a field is no list") }
        let (count, _) = try listHead()
        for _ in 0..<count { try body(&self) }
    }

    /// A whole number, within what 64 bits hold.
    mutating func integer(_ field: Field) throws(TableError) -> Int {
        switch field.type {
        case 3: Int(Int8(bitPattern: try bytes.byte()))
        case 4, 5, 6: Int(try bytes.zigzag())
        default: throw .damaged("a field is no number")
        }
    }

    /// A text.
    mutating func text(_ field: Field) throws(TableError) -> String {
        guard field.type == 8 else { throw .damaged("a field is no text") }
        let bytes = try bytes.take(bytes.count())
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .damaged("a name is not UTF-8")
        }
        return text
    }

    private mutating func enter() throws(TableError) {
        depth += 1
        guard depth <= Self.maximumDepth else {
            throw .damaged("its description is nested too deep")
        }
    }

    private mutating func listHead() throws(TableError) -> (count: Int, type: UInt8) {
        let head = try bytes.byte()
        let count = head >> 4 == 15 ? try bytes.count() : Int(head >> 4)
        // Every element takes a byte.
        guard count <= bytes.left else { throw .damaged("a list ends too early") }
        return (count, head & 15)
    }

    private mutating func skip(_ type: UInt8, inList: Bool = false) throws(TableError) {
        switch type {
        case 1, 2: if inList { _ = try bytes.byte() }
        case 3: _ = try bytes.byte()
        case 4, 5, 6: _ = try bytes.varint()
        case 7: _ = try bytes.take(8)
        case 8: _ = try bytes.take(bytes.count())
        case 9, 10:
            let (count, element) = try listHead()
            try enter()
            for _ in 0..<count { try skip(element, inList: true) }
            depth -= 1
        case 11:
            let count = try bytes.count()
            guard count <= bytes.left else { throw .damaged("a map ends too early") }
            guard count > 0 else { return }
            let types = try bytes.byte()
            try enter()
            for _ in 0..<count {
                try skip(types >> 4, inList: true)
                try skip(types & 15, inList: true)
            }
            depth -= 1
        case 12: try fields { (_, _) throws(TableError) in false }
        case 13: _ = try bytes.take(16)
        default: throw .damaged("an unknown kind of field")
        }
    }
}
