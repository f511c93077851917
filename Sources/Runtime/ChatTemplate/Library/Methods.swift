extension TemplateInterpreter {
    static let listMethods: Set<PythonString> = ["index", "count", "copy"]
    static let tupleMethods: Set<PythonString> = ["index", "count"]
    static let dictMethods: Set<PythonString> = [
        "get", "items", "keys", "values", "copy", "fromkeys",
    ]
    static let refusedListMethods: Set<PythonString> = [
        "append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove",
    ]
    static let refusedDictMethods: Set<PythonString> = [
        "clear", "pop", "popitem", "setdefault", "update",
    ]
    static let stringMethods: Set<PythonString> = [
        "capitalize", "casefold", "center", "count", "encode", "endswith", "expandtabs", "find",
        "format", "format_map", "index", "isalnum", "isalpha", "isascii", "isdecimal", "isdigit",
        "isidentifier", "islower", "isnumeric", "isprintable", "isspace", "istitle", "isupper",
        "join", "ljust", "lower", "lstrip", "maketrans", "partition", "removeprefix",
        "removesuffix", "replace", "rfind", "rindex", "rjust", "rpartition", "rsplit", "rstrip",
        "split", "splitlines", "startswith", "strip", "swapcase", "title", "translate", "upper",
        "zfill",
    ]

    /// Whether a value has a method the sandbox lets a template call.
    static func hasMethod(_ name: PythonString, on value: TemplateValue) -> Bool {
        switch value {
        case .string: stringMethods.contains(name)
        case .list: listMethods.contains(name)
        case .tuple, .range: tupleMethods.contains(name)
        case .dict: dictMethods.contains(name)
        case .iterator(let iterator):
            iterator.kind == .cycler && (name == "next" || name == "current" || name == "reset")
        case .function(let function):
            if case .global(.dict) = function.body { name == "fromkeys" } else { false }
        default: false
        }
    }

    /// Whether a method exists but would change its object, which the sandbox refuses.
    static func isRefusedMethod(_ name: PythonString, of value: TemplateValue) -> Bool {
        switch value {
        case .list: refusedListMethods.contains(name)
        case .dict: refusedDictMethods.contains(name)
        default: false
        }
    }

    /// Calls a method.
    func call(
        _ name: PythonString,
        on receiver: TemplateValue,
        _ arguments: CallValues
    ) throws(TemplateError) -> TemplateValue {
        switch receiver {
        case .string(let text): return try call(name.string, on: text, arguments)
        case .dict(let dict): return try call(name.string, on: dict, arguments)
        case .list, .tuple, .range:
            if name == "copy" { return receiver }
            let values = try bind(arguments, ["value"], name.string)
            guard let wanted = values[0] else { throw missing("value", name.string) }
            return try call(name, on: try iterate(receiver), wanted)
        case .iterator(let cycler): return callCycler(name, cycler)
        case .function: return try fromKeys(arguments)
        default: throw fail("'\(receiver.typeName)' object has no method '\(name.string)'")
        }
    }

    func missing(_ parameter: String, _ function: String) -> TemplateError {
        fail("\(function)() missing required argument: '\(parameter)'")
    }

    private func call(
        _ name: PythonString,
        on elements: [TemplateValue],
        _ wanted: TemplateValue
    ) throws(TemplateError) -> TemplateValue {
        var count = 0
        for (index, element) in elements.enumerated() where try equal(element, wanted) {
            if name == "index" { return .int(index) }
            count += 1
        }
        guard name == "count" else {
            throw fail("\(try repr(wanted).string) is not in list")
        }
        return .int(count)
    }

    private func callCycler(_ name: PythonString, _ cycler: TemplateIterator) -> TemplateValue {
        let current = cycler.elements[cycler.position % cycler.elements.count]
        if name == "next" { cycler.position += 1 }
        if name == "reset" { cycler.position = 0 }
        return name == "reset" ? .none : current
    }

    private func call(
        _ name: String,
        on dict: TemplateDict,
        _ arguments: CallValues
    ) throws(TemplateError) -> TemplateValue {
        switch name {
        case "get":
            // Python takes no keyword arguments here; being lenient changes no valid template.
            let values = try bind(arguments, ["key", "default"], "get")
            guard let key = values[0] else { throw missing("key", "get") }
            try charge(key.weight)
            guard DictKey(key) != nil || key.isUndefined else {
                throw fail("unhashable type: '\(key.typeName)'")
            }
            return dict[key] ?? values[1] ?? .none
        case "items": return .view(DictView(.items, of: dict))
        case "keys": return .view(DictView(.keys, of: dict))
        case "values": return .view(DictView(.values, of: dict))
        case "fromkeys": return try fromKeys(arguments)
        default: return .dict(dict)
        }
    }

    private func fromKeys(_ arguments: CallValues) throws(TemplateError) -> TemplateValue {
        let values = try bind(arguments, ["iterable", "value"], "fromkeys")
        guard let keys = values[0] else { throw missing("iterable", "fromkeys") }
        let dict = TemplateDict()
        for key in try iterate(keys) { try insert(key, values[1] ?? .none, into: dict) }
        try check(depth: dict.depth)
        return .dict(dict)
    }
}
