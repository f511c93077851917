/// Writes the rules of objects: listed members in the schema's order, then all others.
struct ObjectEmitter {
    let compiler: SchemaCompiler
    let variant: SchemaVariant
    let rule: Int32

    private var builder: GrammarBuilder { compiler.builder }

    /// Whether there are so many members that only their own order is followed.
    var isWide: Bool { variant.schemas.reduce(0) { $0 + $1.properties.count } > 800 }

    /// A member with a name of its own.
    struct Member {
        let key: String
        /// The subschemas of its value; `nil` where it can't be there.
        let schemas: [SchemaID]?
        let isRequired: Bool
    }

    /// Members whose names match.
    struct Others {
        /// With quotes.
        let key: RegexID
        let schemas: [SchemaID]
    }

    /// Where a text stands in an object.
    private enum Phase { case first, behindMember, behindComma }

    func emit(_ from: Int32, _ to: Int32) throws(GrammarError) {
        let names = ObjectNames(compiler: compiler, variant: variant)
        guard let members = try names.members() else { return }
        let others = try names.others(members)
        var layout = ObjectLayout(
            members: members,
            others: others,
            bounds: bounds(members.count)
        )
        let end = try builder.node(of: rule)
        builder.match(compiler.text.closeBrace, end, to)
        let start = try node(.first, 0, 0, &layout)
        builder.match(compiler.text.openBrace, from, start)
        if layout.mayEnd(0, 0) { builder.match(compiler.text.brace, start, to) }
        while let place = layout.open.popLast() {
            try connect(place, end, &layout)
        }
    }

    /// Members in any order, each once; others when all that are required are there.
    func emitUnordered(_ from: Int32, _ to: Int32) throws(GrammarError) {
        let names = ObjectNames(compiler: compiler, variant: variant)
        guard let members = try names.members() else { return }
        let others = try names.others(members)
        var listed: [(rule: Int32, isRequired: Bool)] = []
        for member in members {
            guard let schemas = member.schemas else { continue }
            let key = compiler.key(member.key)
            listed.append((try compiler.member(key, schemas), member.isRequired))
        }
        var other: Int32?
        if !others.isEmpty {
            let (rule, start) = try builder.rule()
            let end = try builder.node(of: rule, isFinal: true)
            for name in others {
                let key = compiler.text.keys(name.key)
                builder.call(try compiler.member(key, name.schemas), start, end)
            }
            other = rule
        }
        let end = try builder.node(of: rule)
        builder.match(compiler.text.closeBrace, end, to)
        let start = try builder.node(of: rule)
        builder.match(compiler.text.openBrace, from, start)
        let empty = try builder.node(of: rule)
        builder.match(compiler.text.brace, empty, to)
        let bounds = bounds(0)
        guard other != nil || bounds.minimum <= listed.count else { return }
        // What must be there at least tells whether there is any such object at all.
        var here = start
        for member in listed where member.isRequired {
            let next = try builder.node(of: rule)
            builder.call(member.rule, here, next)
            here = next
        }
        builder.skip(here, end)
        builder.skip(here, empty)
        let object = UnorderedObject(
            rule: rule,
            members: listed,
            other: other,
            comma: builder.terminal(compiler.text.comma),
            end: end,
            empty: empty,
            minimum: bounds.minimum,
            maximum: bounds.maximum
        )
        builder.program.addObject(object, start: start)
    }

    /// How many members there may be; counted only where the states for it are few.
    private func bounds(_ members: Int) -> (minimum: Int, maximum: Int?) {
        var minimum = 0
        var maximum: Int?
        for schema in variant.schemas {
            minimum = max(minimum, schema.minProperties)
            if let limit = schema.maxProperties { maximum = min(maximum ?? limit, limit) }
        }
        if (maximum ?? minimum) * (members + 1) > 2_000 {
            return (min(1, minimum), nil)
        }
        return (minimum, maximum)
    }

    private func node(_ phase: Phase, _ index: Int, _ count: Int, _ layout: inout ObjectLayout)
        throws(GrammarError) -> Int32
    {
        let place = ObjectLayout.Place(
            isFirst: phase == .first,
            isBehindComma: phase == .behindComma,
            index: index,
            count: layout.clipped(count)
        )
        if let known = layout.nodes[place] { return known }
        let node = try builder.node(of: rule)
        layout.nodes[place] = node
        layout.open.append(place)
        return node
    }

    private func connect(_ place: ObjectLayout.Place, _ end: Int32, _ layout: inout ObjectLayout)
        throws(GrammarError)
    {
        guard let here = layout.nodes[place] else { return }
        let (index, count) = (place.index, place.count)
        let mayEnd = layout.mayEnd(index, count)
        if !place.isFirst, !place.isBehindComma, mayEnd { builder.skip(here, end) }
        guard layout.mayGoOn(count) else { return }
        if !place.isFirst, !place.isBehindComma {
            guard layout.hasNext(index) else { return }
            let next = try node(.behindComma, index, count, &layout)
            builder.match(compiler.text.comma, here, next)
            return
        }
        if index < layout.members.count {
            let member = layout.members[index]
            if let schemas = member.schemas {
                let behind = try node(.behindMember, index + 1, count + 1, &layout)
                let value = try builder.node(of: rule)
                builder.match(compiler.key(member.key), here, value)
                try compiler.value(schemas, value, behind)
            }
            if !member.isRequired {
                let phase = place.isFirst ? Phase.first : .behindComma
                builder.skip(here, try node(phase, index + 1, count, &layout))
            }
            return
        }
        for other in layout.others {
            let behind = try node(.behindMember, index, count + 1, &layout)
            let value = try builder.node(of: rule)
            builder.match(compiler.text.keys(other.key), here, value)
            try compiler.value(other.schemas, value, behind)
        }
    }
}

/// The states of one object's rule.
struct ObjectLayout {
    struct Place: Hashable {
        let isFirst: Bool
        let isBehindComma: Bool
        /// The next member that may come.
        let index: Int
        /// How many have come, as far as it matters.
        let count: Int
    }

    let members: [ObjectEmitter.Member]
    let others: [ObjectEmitter.Others]
    let bounds: (minimum: Int, maximum: Int?)
    var nodes: [Place: Int32] = [:]
    var open: [Place] = []
    private let lastRequired: Int

    init(
        members: [ObjectEmitter.Member],
        others: [ObjectEmitter.Others],
        bounds: (minimum: Int, maximum: Int?)
    ) {
        self.members = members
        self.others = others
        self.bounds = bounds
        lastRequired = members.lastIndex { $0.isRequired } ?? -1
    }

    func clipped(_ count: Int) -> Int { min(count, bounds.maximum ?? bounds.minimum) }

    func mayEnd(_ index: Int, _ count: Int) -> Bool {
        index > lastRequired && count >= bounds.minimum
    }

    func mayGoOn(_ count: Int) -> Bool { bounds.maximum.map { count < $0 } ?? true }

    func hasNext(_ index: Int) -> Bool { index < members.count || !others.isEmpty }
}
