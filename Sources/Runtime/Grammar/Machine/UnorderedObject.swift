/// An object whose members come in any order, each listed one at most once.
///
/// There are as many places as sets of members; only those that texts come to are made.
final class UnorderedObject {
    /// Where a text stands in the object.
    struct Place: Hashable {
        /// Which listed members are there: a bit for each.
        var seen: [UInt64]
        /// How many members are there, as far as it matters.
        var count: Int
        var isFirst: Bool
        var isBehindComma: Bool
    }

    /// The object's rule.
    let rule: Int32
    /// The rule of each listed member.
    let members: [(rule: Int32, isRequired: Bool)]
    /// The rule of all other members; they come when all that are required are there.
    let other: Int32?
    /// The terminal between members.
    let comma: Int32
    /// The node before the closing brace.
    let end: Int32
    /// The node before the brace that closes an object without members.
    let empty: Int32
    let minimum: Int
    let maximum: Int?
    private var nodes: [Place: Int32] = [:]

    init(
        rule: Int32,
        members: [(rule: Int32, isRequired: Bool)],
        other: Int32?,
        comma: Int32,
        end: Int32,
        empty: Int32,
        minimum: Int,
        maximum: Int?
    ) {
        self.rule = rule
        self.members = members
        self.other = other
        self.comma = comma
        self.end = end
        self.empty = empty
        self.minimum = minimum
        self.maximum = maximum
    }

    /// Behind the opening brace.
    var first: Place {
        Place(
            seen: [UInt64](repeating: 0, count: (members.count + 63) / 64),
            count: 0,
            isFirst: true,
            isBehindComma: false
        )
    }

    func forget() { nodes = [:] }

    /// The edges of a place; `object` is this object's number in the program.
    func edges(at place: Place, in program: GrammarProgram, _ object: Int)
        -> [GrammarProgram.Edge]
    {
        var missing = 0
        for (index, member) in members.enumerated()
        where member.isRequired && !place.contains(index) {
            missing += 1
        }
        let steps = steps(from: place, missing, program)
        var edges: [GrammarProgram.Edge] = []
        if !place.isBehindComma, missing == 0, place.count >= minimum {
            edges.append(.init(symbol: .nothing, target: place.isFirst ? empty : end))
        }
        guard !steps.isEmpty else { return edges }
        guard place.isFirst || place.isBehindComma else {
            var next = place
            next.isBehindComma = true
            let target = node(next, program, object)
            return edges + [.init(symbol: .terminal(comma), target: target)]
        }
        for step in steps {
            let target = node(step.place, program, object)
            edges.append(.init(symbol: .rule(step.rule), target: target))
        }
        return edges
    }

    /// The members that may come next, and where they lead.
    private func steps(from place: Place, _ missing: Int, _ program: GrammarProgram)
        -> [(rule: Int32, place: Place)]
    {
        var steps: [(rule: Int32, place: Place)] = []
        var next = place
        next.isFirst = false
        next.isBehindComma = false
        next.count = min(place.count + 1, maximum ?? minimum)
        let room = maximum.map { $0 - place.count - missing } ?? .max
        for (index, member) in members.enumerated()
        where !place.contains(index) && (member.isRequired ? room >= 0 : room > 0)
            && program.isProductive[Int(member.rule)]
        {
            var behind = next
            behind.seen[index >> 6] |= 1 << UInt64(index & 63)
            steps.append((member.rule, behind))
        }
        if let other, missing == 0, room > 0, program.isProductive[Int(other)] {
            steps.append((other, next))
        }
        return steps
    }

    private func node(_ place: Place, _ program: GrammarProgram, _ object: Int) -> Int32 {
        if let known = nodes[place] { return known }
        let node = program.addPending(place, of: object, rule: rule)
        nodes[place] = node
        return node
    }
}

extension UnorderedObject.Place {
    fileprivate func contains(_ member: Int) -> Bool {
        seen[member >> 6] >> UInt64(member & 63) & 1 != 0
    }
}
