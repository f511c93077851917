/// A name, numbered while parsing so that scopes compare integers.
typealias Symbol = Int

/// An expression of a template.
indirect enum Expression: Sendable {
    case constant(Constant)
    case name(Symbol)
    case list([Expression])
    case tuple([Expression])
    case dict([DictItem])
    case attribute(Expression, Text, line: Int)
    case item(Expression, Expression, line: Int)
    case slice(Expression, SliceBounds, line: Int)
    case call(Expression, CallArguments, line: Int)
    case filter(Expression, FilterName, CallArguments, line: Int)
    case test(Expression, TestName, CallArguments, line: Int)
    case negative(Expression, line: Int)
    case positive(Expression, line: Int)
    case binary(BinaryOperator, Expression, Expression, line: Int)
    case concat([Expression])
    case compare(Expression, [Comparison], line: Int)
    case and([Expression])
    case or([Expression])
    case not(Expression)
    /// `then if test else otherwise`; undefined where there is no `else`.
    case conditional(test: Expression, then: Expression, otherwise: Expression?)
    /// The text a `{% filter %}` block or a `{% set %}` block with filters has rendered.
    case captured
}

/// A literal.
enum Constant: Sendable {
    case none
    case bool(Bool)
    case int(Int)
    case bigInteger(String)
    case float(Double)
    case string(Text)
}

/// `key: value` in a mapping.
struct DictItem: Sendable {
    let key: Expression
    let value: Expression
}

/// `start:stop:step`.
struct SliceBounds: Sendable {
    let start: Expression?
    let stop: Expression?
    let step: Expression?
}

/// The arguments of a call: positional, by name, `*list` and `**mapping`.
struct CallArguments: Sendable {
    var positional: [Expression] = []
    var keyword: [(name: Text, value: Expression)] = []
    var list: Expression?
    var mapping: Expression?

    var isEmpty: Bool { positional.isEmpty && keyword.isEmpty && list == nil && mapping == nil }
}

enum BinaryOperator: String, Sendable {
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
struct Comparison: Sendable {
    let op: ComparisonOperator
    let right: Expression
}
