/// A value of a template, with the meaning Python gives it.
///
/// The sandbox lets nothing change a list or a mapping once it is made, so both are immutable here;
/// only namespaces, loops and iterators have state. Containers know their depth when they are made:
/// it is bounded, so that walking or releasing one never overflows the stack.
enum TemplateValue {
    case undefined(UndefinedValue)
    case none
    case bool(Bool)
    case int(Int)
    /// An integer beyond 64 bits, which can be printed and compared for equality, nothing else.
    case bigInteger(String)
    case float(Double)
    case string(PythonString)
    case list(TemplateList)
    case tuple(TemplateList)
    case dict(TemplateDict)
    case view(DictView)
    case range(PythonRange)
    case iterator(TemplateIterator)
    case namespace(TemplateNamespace)
    case loop(LoopContext)
    case function(TemplateFunction)

    static func text(_ string: String) -> TemplateValue { .string(PythonString(string)) }
    static var empty: TemplateValue { .string("") }

    /// The name of the Python type.
    var typeName: String {
        switch self {
        case .undefined: "Undefined"
        case .none: "NoneType"
        case .bool: "bool"
        case .int, .bigInteger: "int"
        case .float: "float"
        case .string(let text): text.isMarkup ? "Markup" : "str"
        case .list: "list"
        case .tuple: "tuple"
        case .dict: "dict"
        case .view(let view): view.kind.rawValue
        case .range: "range"
        case .iterator(let iterator): iterator.kind.rawValue
        case .namespace: "Namespace"
        case .loop: "LoopContext"
        case .function(let function): function.typeName
        }
    }

    /// What Jinja calls the object in its messages about undefined values.
    var objectName: String {
        switch self {
        case .none: "None"
        case .undefined, .namespace: "jinja2.utils.Namespace object"
        case .loop: "jinja2.runtime.LoopContext object"
        case .string(let text) where text.isMarkup: "markupsafe.Markup object"
        default: "\(typeName) object"
        }
    }

    /// How deep containers nest below this value; 0 for anything that holds nothing.
    var depth: Int {
        switch self {
        case .list(let list), .tuple(let list): list.depth
        case .dict(let dict): dict.depth
        case .view(let view): view.dict.depth + 1
        case .iterator(let iterator): iterator.depth
        case .loop(let loop): loop.depthOfItems + 1
        case .function(let function): function.depth
        default: 0
        }
    }

    /// How much walking through everything below this value costs, in elements.
    ///
    /// 64 bytes of text count as one. Values may share what they hold, so this can be far more than what is in memory.
    var weight: Int {
        switch self {
        case .string(let text): 1 + text.utf8.count / 64
        case .list(let list), .tuple(let list): list.weight
        case .dict(let dict): dict.weight
        case .view(let view): view.dict.weight.addingClamped(view.dict.count)
        case .range(let range): range.count
        case .iterator(let iterator): iterator.elements.count
        default: 1
        }
    }

    /// Python's truth; generators, namespaces, loops and functions are true.
    var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .bool(let value): value
        case .int(let value): value != 0
        case .bigInteger: true
        case .float(let value): value != 0
        case .string(let text): !text.isEmpty
        case .list(let list), .tuple(let list): !list.elements.isEmpty
        case .dict(let dict): dict.count > 0
        case .view(let view): view.dict.count > 0
        case .range(let range): range.count > 0
        case .iterator, .namespace, .loop, .function: true
        }
    }

    /// The integer of an `int` or a `bool`.
    var integer: Int? {
        switch self {
        case .int(let value): value
        case .bool(let value): value ? 1 : 0
        default: nil
        }
    }

    /// The number of an `int`, a `bool` or a `float`.
    var number: Double? {
        switch self {
        case .float(let value): value
        case .bigInteger(let digits): Double(digits)
        default: integer.map { Double($0) }
        }
    }

    var isString: Bool {
        if case .string = self { true } else { false }
    }

    var isUndefined: Bool {
        if case .undefined = self { true } else { false }
    }
}

extension Int {
    /// The sum, or the largest integer where that is too large.
    func addingClamped(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}

/// The elements of a list or a tuple.
final class TemplateList {
    let elements: [TemplateValue]
    let depth: Int
    let weight: Int

    init(_ elements: [TemplateValue]) {
        self.elements = elements
        var deepest = 0
        var sum = 1
        for element in elements {
            deepest = max(deepest, element.depth)
            sum = sum.addingClamped(element.weight)
        }
        depth = deepest + 1
        weight = sum
    }
}

/// Python's `range`: nothing is stored but its ends.
final class PythonRange {
    let start: Int
    let stop: Int
    let step: Int
    let count: Int

    /// A range of at most `limit` elements, with a step that is not zero; `nil` where it has more.
    init?(start: Int, stop: Int, step: Int, limit: Int) {
        let isEmpty = step > 0 ? stop <= start : stop >= start
        // The distance of any two integers fits an unsigned one.
        let distance = UInt(bitPattern: step > 0 ? stop &- start : start &- stop)
        let count = isEmpty ? 0 : (distance - 1) / step.magnitude
        guard isEmpty || count < UInt(limit) else { return nil }
        self.start = start
        self.stop = stop
        self.step = step
        self.count = isEmpty ? 0 : Int(count) + 1
    }

    /// An element that there is.
    func element(_ index: Int) -> Int { start &+ index &* step }
}

/// A generator or another object that can be walked through once.
final class TemplateIterator {
    enum Kind: String {
        case generator
        case reversed = "list_reverseiterator"
        case cycler = "Cycler"
        case joiner = "Joiner"
    }

    let kind: Kind
    let elements: [TemplateValue]
    let depth: Int
    /// How many elements were taken; of a joiner, how often it was called.
    var position = 0

    init(_ elements: [TemplateValue], kind: Kind) {
        self.kind = kind
        self.elements = elements
        var deepest = 0
        for element in elements { deepest = max(deepest, element.depth) }
        depth = deepest + 1
    }

    func next() -> TemplateValue? {
        guard position < elements.count else { return nil }
        position += 1
        return elements[position - 1]
    }
}

/// What `dict.keys()`, `.values()` and `.items()` return.
final class DictView {
    enum Kind: String {
        case keys = "dict_keys"
        case values = "dict_values"
        case items = "dict_items"
    }

    let kind: Kind
    let dict: TemplateDict

    init(_ kind: Kind, of dict: TemplateDict) {
        self.kind = kind
        self.dict = dict
    }

    var elements: [TemplateValue] {
        switch kind {
        case .keys: dict.keys
        case .values: dict.values
        case .items: zip(dict.keys, dict.values).map { .tuple(TemplateList([$0, $1])) }
        }
    }
}

/// `namespace(…)`: the one object templates may change.
final class TemplateNamespace {
    var attributes: [PythonString: TemplateValue]

    init(_ attributes: [PythonString: TemplateValue]) { self.attributes = attributes }
}

/// A value that is not there.
///
/// Printing it gives nothing; most else is an error with its message.
final class UndefinedValue {
    enum Reason {
        case name(PythonString)
        case attribute(of: String, name: PythonString)
        case element(of: String, shown: String)
        case parameter(PythonString)
        case unsafe(of: String, name: PythonString)
        case other(String)
    }

    let reason: Reason

    init(_ reason: Reason) { self.reason = reason }

    /// Jinja's message.
    var message: String {
        switch reason {
        case .name(let name): "'\(name.string)' is undefined"
        case .attribute(let object, let name): "'\(object)' has no attribute '\(name.string)'"
        case .element(let object, let shown): "\(object) has no element \(shown)"
        case .parameter(let name): "parameter '\(name.string)' was not provided"
        case .unsafe(let type, let name):
            "access to attribute '\(name.string)' of '\(type)' object is unsafe."
        case .other(let message): message
        }
    }
}
