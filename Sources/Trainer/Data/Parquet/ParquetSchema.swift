/// The columns of a Parquet file and how they nest.
struct ParquetSchema {
    /// The columns that have bytes of their own, in the order of the file.
    private(set) var leaves: [ParquetLeaf] = []
    /// The members of a row.
    private(set) var root: [ParquetNode] = []

    private static let maximumDepth = 32
    private static let maximumLeaves = 1024

    private var elements: ArraySlice<ParquetElement> = []

    /// Reads a schema as it is written: each element before its children.
    init(_ elements: [ParquetElement]) throws(TableError) {
        guard let row = elements.first, row.type == nil else {
            throw .damaged("it has no schema")
        }
        self.elements = elements.dropFirst()
        root = try fields(of: row, Place(definition: 0, repetition: 0, depth: 0))
        guard self.elements.isEmpty else { throw .damaged("its schema is not whole") }
        guard !leaves.isEmpty else { throw TableError("the file has no columns") }
    }

    /// The levels at which something is there, and how deep it lies.
    private struct Place {
        var definition: Int
        var repetition: Int
        var depth: Int
        var names: [String] = []
    }

    private mutating func take() throws(TableError) -> ParquetElement {
        guard let element = elements.popFirst() else { throw .damaged("its schema is not whole") }
        return element
    }

    /// The next elements as the members of a group.
    private mutating func fields(
        of group: ParquetElement,
        _ place: Place
    ) throws(TableError) -> [ParquetNode] {
        guard (1...elements.count + 1).contains(group.children), place.depth < Self.maximumDepth
        else { throw .damaged("its schema is not whole, or nested too deep") }
        var nodes: [ParquetNode] = []
        var names: Set<String> = []
        for _ in 0..<group.children {
            let node = try node(place)
            guard names.insert(node.name).inserted else {
                throw TableError("two columns are called '\(node.name)'")
            }
            nodes.append(node)
        }
        return nodes
    }

    /// The next element.
    private mutating func node(_ place: Place) throws(TableError) -> ParquetNode {
        let element = try take()
        let first = leaves.count
        var inner = place
        inner.depth += 1
        inner.names.append(element.name)
        if element.repetition != .required { inner.definition += 1 }
        guard element.repetition == .repeated else {
            let content = try content(of: element, inner)
            return ParquetNode(element.name, inner.definition, content, first..<leaves.count)
        }
        // A repeated element without a list around it is a list of what must be there.
        inner.repetition += 1
        let content = try content(of: element, inner)
        let item = ParquetNode(element.name, inner.definition, content, first..<leaves.count)
        return ParquetNode(
            element.name,
            place.definition,
            .list(item, definition: inner.definition, repetition: inner.repetition),
            first..<leaves.count
        )
    }

    private mutating func content(
        of element: ParquetElement,
        _ place: Place
    ) throws(TableError) -> ParquetNode.Content {
        if let type = element.type {
            guard leaves.count < Self.maximumLeaves else {
                throw TableError("more than \(Self.maximumLeaves) columns")
            }
            let name = place.names.joined(separator: ".")
            leaves.append(
                try ParquetLeaf(
                    element,
                    type: type,
                    name: name,
                    definition: place.definition,
                    repetition: place.repetition
                )
            )
            return .leaf(leaves.count - 1)
        }
        let isList = element.annotation == .list
        if isList || element.annotation == .map, element.children == 1,
            let only = elements.first, only.repetition == .repeated
        {
            var inner = place
            inner.depth += 1
            inner.definition += 1
            inner.repetition += 1
            _ = try take()
            return isList
                ? try list(of: element, only, inner) : try map(only, inner)
        }
        return .fields(try fields(of: element, place))
    }

    /// A list in the form of today (`list.element`) or in one of the older forms, told apart as
    /// `LogicalTypes.md` of the format says.
    private mutating func list(
        of outer: ParquetElement,
        _ middle: ParquetElement,
        _ place: Place
    ) throws(TableError) -> ParquetNode.Content {
        let first = leaves.count
        let isElement =
            middle.type != nil || middle.children != 1 || middle.name == "array"
            || middle.name == outer.name + "_tuple" || elements.first?.repetition == .repeated
        let item: ParquetNode
        if isElement {
            let content = try content(of: middle, place)
            item = ParquetNode(middle.name, place.definition, content, first..<leaves.count)
        } else {
            item = try node(place)
        }
        return .list(item, definition: place.definition, repetition: place.repetition)
    }

    private mutating func map(
        _ middle: ParquetElement,
        _ place: Place
    ) throws(TableError) -> ParquetNode.Content {
        let pair = try fields(of: middle, place)
        guard pair.count == 2, case .leaf(let key) = pair[0].content, leaves[key].isText else {
            throw TableError(
                "column '\(place.names.joined(separator: "."))': maps are read where keys are texts"
            )
        }
        return .map(
            key: pair[0],
            value: pair[1],
            definition: place.definition,
            repetition: place.repetition
        )
    }
}

/// A value of a Parquet schema: a column's, an object or a list.
final class ParquetNode {
    let name: String
    /// The definition level from which on it is not null.
    let definition: Int
    let content: Content
    /// The columns it is made of.
    let leaves: Range<Int>

    /// What a value is made of; lists have entries from a definition level on, and go on where the
    /// repetition level is theirs.
    enum Content {
        case leaf(Int)
        case fields([ParquetNode])
        case list(ParquetNode, definition: Int, repetition: Int)
        case map(key: ParquetNode, value: ParquetNode, definition: Int, repetition: Int)
    }

    init(_ name: String, _ definition: Int, _ content: Content, _ leaves: Range<Int>) {
        self.name = name
        self.definition = definition
        self.content = content
        self.leaves = leaves
    }
}
