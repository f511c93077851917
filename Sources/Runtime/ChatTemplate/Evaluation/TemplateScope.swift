/// The variables of one level: the template, one iteration of a loop, one call of a macro.
final class TemplateScope {
    let parent: TemplateScope?
    private var symbols: [TemplateSymbol] = []
    private var values: [TemplateValue] = []

    init(parent: TemplateScope?) { self.parent = parent }

    /// The value of a name here or further out.
    func lookup(_ symbol: TemplateSymbol) -> TemplateValue? {
        var scope: TemplateScope? = self
        while let level = scope {
            if let index = level.symbols.lastIndex(of: symbol) { return level.values[index] }
            scope = level.parent
        }
        return nil
    }

    /// Sets a name at this level.
    func set(_ symbol: TemplateSymbol, _ value: TemplateValue) {
        if let index = symbols.lastIndex(of: symbol) {
            values[index] = value
        } else {
            symbols.append(symbol)
            values.append(value)
        }
    }

    /// Forgets everything, so that macros and the scopes they hold do not keep each other alive.
    func clear() {
        symbols = []
        values = []
    }
}
