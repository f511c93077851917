/// A JSON Schema, whose subschemas are numbered and read as they are met.
///
/// Known are drafts 4 to 2020-12. What is reached and can't be honoured is an error that names
/// keyword and JSON pointer; what is never reached is never read.
final class SchemaDocument {
    struct Entry {
        let value: JSONValue
        let parent: SchemaID
        let step: String
        /// The root of the resource that the subschema is part of.
        let resource: SchemaID
    }

    let isStrict: Bool
    let arena: RegexArena
    var entries: [Entry] = []
    private var children: [ChildKey: SchemaID] = [:]
    private var known: [SchemaID: SchemaKeywords] = [:]
    /// Subschemas by absolute URI, once a reference needs them.
    var addresses: [String: SchemaID]?
    private(set) var patterns: [String: SchemaPattern] = [:]
    /// Whether keywords beside `$ref` count: since draft 2019-09.
    let referencesHaveSiblings: Bool
    /// Whether any subschema that was read asks what others evaluated.
    var usesUnevaluated = false

    private struct ChildKey: Hashable {
        let parent: SchemaID
        let step: String
    }

    /// Subschemas one document may have.
    private static let limit = 100_000

    init(_ root: JSONValue, isStrict: Bool, arena: RegexArena) throws(GrammarError) {
        self.isStrict = isStrict
        self.arena = arena
        let dialect = root["$schema"]?.string ?? ""
        referencesHaveSiblings = !["draft-03", "draft-04", "draft-06", "draft-07"].contains {
            dialect.contains($0)
        }
        entries.append(Entry(value: root, parent: -1, step: "", resource: 0))
        if dialect.contains("localhost") {
            throw .unsupported("the dialect '\(dialect)' of $schema", at: "/$schema")
        }
    }

    /// A subschema one or more steps below another.
    func child(_ parent: SchemaID, _ step: String, _ value: JSONValue) throws(GrammarError)
        -> SchemaID
    {
        let key = ChildKey(parent: parent, step: step)
        if let known = children[key] { return known }
        guard entries.count < Self.limit else {
            throw .tooComplex("it has more than \(Self.limit) subschemas")
        }
        let id = entries.count
        let isResource = Self.identifier(value).map { !$0.hasPrefix("#") } ?? false
        entries.append(
            Entry(
                value: value,
                parent: parent,
                step: step,
                resource: isResource ? id : entries[parent].resource
            )
        )
        children[key] = id
        return id
    }

    static func identifier(_ value: JSONValue) -> String? {
        value["$id"]?.string ?? value["id"]?.string
    }

    /// The JSON pointer of a subschema.
    func pointer(_ id: SchemaID) -> String {
        var steps: [String] = []
        var id = id
        while id > 0 {
            steps.append(entries[id].step)
            id = entries[id].parent
        }
        return "#" + steps.reversed().joined()
    }

    /// A step of a JSON pointer.
    static func step(_ key: String) -> String {
        guard key.utf8.contains(where: { $0 == 0x7E || $0 == 0x2F }) else { return "/" + key }
        var escaped = "/"
        for scalar in key.unicodeScalars {
            switch scalar {
            case "~": escaped += "~0"
            case "/": escaped += "~1"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// The keywords of a subschema.
    func keywords(_ id: SchemaID) throws(GrammarError) -> SchemaKeywords {
        if let known = known[id] { return known }
        var reader = SchemaReader(document: self, id: id)
        let keywords = try reader.read()
        known[id] = keywords
        return keywords
    }

    /// A pattern, compiled once.
    func pattern(_ source: String, at place: String) throws(GrammarError) -> SchemaPattern {
        if let known = patterns[source] { return known }
        let node = try PatternParser.parse(source, place: place)
        let compiler = PatternCompiler(arena: arena, encoding: .plain, place: place)
        let pattern = SchemaPattern(
            source: source,
            node: node,
            regex: try compiler.search(node)
        )
        patterns[source] = pattern
        return pattern
    }
}
