/// The rules of a grammar, which may be used before they are defined.
struct NamedRules {
    private var numbers: [String: Int] = [:]
    private var entries: [(name: String, place: String, rule: GrammarExpression?)] = []

    /// The number of a rule.
    /// - Parameter place: Where it is named, for errors if nothing defines it.
    mutating func number(of name: String, at place: String) -> Int {
        if let known = numbers[name] { return known }
        let number = entries.count
        numbers[name] = number
        entries.append((name, place, nil))
        return number
    }

    /// The number of a rule that is defined.
    func defined(_ name: String) -> Int? { numbers[name].flatMap { self[$0] == nil ? nil : $0 } }

    /// A rule by its number; `nil` until it is defined.
    subscript(number: Int) -> GrammarExpression? {
        get { entries[number].rule }
        set { entries[number].rule = newValue }
    }

    /// All rules by their numbers.
    func all() throws(GrammarError) -> [GrammarExpression] {
        var rules: [GrammarExpression] = []
        for entry in entries {
            guard let rule = entry.rule else {
                throw .invalid("the rule '\(entry.name)' is not defined", at: entry.place)
            }
            rules.append(rule)
        }
        return rules
    }
}
