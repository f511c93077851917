/// A name, numbered while parsing so that scopes compare integers.
typealias TemplateSymbol = Int

/// An expression of a template.
indirect enum TemplateExpression: Sendable {
    case constant(TemplateConstant)
    case name(TemplateSymbol)
    case list([TemplateExpression])
    case tuple([TemplateExpression])
    case dict([DictItem])
    case attribute(TemplateExpression, PythonString, line: Int)
    case item(TemplateExpression, TemplateExpression, line: Int)
    case slice(TemplateExpression, SliceExpression, line: Int)
    case call(TemplateExpression, CallArguments, line: Int)
    case filter(TemplateExpression, FilterName, CallArguments, line: Int)
    case test(TemplateExpression, TestName, CallArguments, line: Int)
    case negative(TemplateExpression, line: Int)
    case positive(TemplateExpression, line: Int)
    case binary(TemplateOperator, TemplateExpression, TemplateExpression, line: Int)
    case concat([TemplateExpression])
    case compare(TemplateExpression, [ComparisonLink], line: Int)
    case and([TemplateExpression])
    case or([TemplateExpression])
    case not(TemplateExpression)
    /// `then if test else otherwise`; undefined where there is no `else`.
    case conditional(
        test: TemplateExpression,
        then: TemplateExpression,
        otherwise: TemplateExpression?
    )
    /// The text a `{% filter %}` block or a `{% set %}` block with filters has rendered.
    case captured
}

/// A literal.
enum TemplateConstant: Sendable {
    case none
    case bool(Bool)
    case int(Int)
    case bigInteger(String)
    case float(Double)
    case string(PythonString)
}

/// `key: value` in a mapping.
struct DictItem: Sendable {
    let key: TemplateExpression
    let value: TemplateExpression
}

/// `start:stop:step`.
struct SliceExpression: Sendable {
    let start: TemplateExpression?
    let stop: TemplateExpression?
    let step: TemplateExpression?
}

/// The arguments of a call: positional, by name, `*list` and `**mapping`.
struct CallArguments: Sendable {
    var positional: [TemplateExpression] = []
    var keyword: [(name: PythonString, value: TemplateExpression)] = []
    var list: TemplateExpression?
    var mapping: TemplateExpression?

    var isEmpty: Bool { positional.isEmpty && keyword.isEmpty && list == nil && mapping == nil }
}

enum TemplateOperator: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case floorDivide = "//"
    case modulo = "%"
    case power = "**"
}

enum ComparisonOperator: String, Sendable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case contained = "in"
    case notContained = "not in"
}

/// One link of a chain such as `0 < x <= 9`.
struct ComparisonLink: Sendable {
    let op: ComparisonOperator
    let right: TemplateExpression
}
