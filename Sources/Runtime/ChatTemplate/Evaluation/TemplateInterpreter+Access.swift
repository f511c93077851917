extension TemplateInterpreter {
    /// `object.name`: an attribute first, then an item, as Jinja's `getattr`.
    func attribute(_ name: PythonString, of object: TemplateValue) throws(TemplateError)
        -> TemplateValue
    {
        if let value = try pythonAttribute(name, of: object) { return value }
        switch object {
        case .undefined(let undefined): throw fail(undefined)
        case .dict(let dict):
            if let value = dict[name] { return value }
        default: break
        }
        return .undefined(UndefinedValue(.attribute(of: object.objectName, name: name)))
    }

    /// `object[key]`: an item first, then an attribute, as Jinja's `getitem`.
    func item(_ key: TemplateValue, of object: TemplateValue) throws(TemplateError) -> TemplateValue
    {
        if case .undefined(let undefined) = object { throw fail(undefined) }
        if let value = try pythonItem(key, of: object) { return value }
        if case .string(let name) = key {
            if let value = try pythonAttribute(name, of: object) { return value }
            return .undefined(UndefinedValue(.attribute(of: object.objectName, name: name)))
        }
        let shown = try repr(key).string
        return .undefined(UndefinedValue(.element(of: object.objectName, shown: shown)))
    }

    /// What Python's `getattr` finds and the sandbox allows; `nil` where there is no attribute.
    private func pythonAttribute(
        _ name: PythonString,
        of object: TemplateValue
    ) throws(TemplateError) -> TemplateValue? {
        if case .namespace(let namespace) = object, let value = namespace.attributes[name] {
            return value
        }
        if case .loop(let loop) = object { return try attribute(name, of: loop) }
        if case .undefined = object { return nil }
        if case .function(let function) = object, case .macro(let macro, _) = function.body,
            let value = try attribute(name, of: macro)
        {
            return value
        }
        if name.utf8.starts(with: "__".utf8) || Self.isRefusedMethod(name, of: object) {
            return .undefined(UndefinedValue(.unsafe(of: object.typeName, name: name)))
        }
        guard Self.hasMethod(name, on: object) else { return nil }
        return .function(TemplateFunction(.method(object, name)))
    }

    private func attribute(
        _ name: PythonString,
        of macro: MacroDefinition
    ) throws(TemplateError) -> TemplateValue? {
        switch name {
        case "name": .string(macro.name)
        case "arguments": try tuple(macro.parameters.map { .string($0.name) })
        default: nil
        }
    }

    /// What Python's `object[key]` gives; `nil` where that raises.
    private func pythonItem(
        _ key: TemplateValue,
        of object: TemplateValue
    ) throws(TemplateError) -> TemplateValue? {
        switch object {
        case .dict(let dict):
            try charge(key.weight)
            return dict[key]
        case .list(let list), .tuple(let list):
            guard let index = key.integer, let position = Self.position(index, in: list.elements)
            else { return nil }
            return list.elements[position]
        case .string(let text):
            guard let index = key.integer else { return nil }
            return try character(index, of: text)
        case .range(let range):
            guard let index = key.integer else { return nil }
            let position = index < 0 ? index + range.count : index
            return (0..<range.count).contains(position) ? .int(range.element(position)) : nil
        default: return nil
        }
    }

    private static func position(_ index: Int, in elements: [TemplateValue]) -> Int? {
        let position = index < 0 ? index + elements.count : index
        return elements.indices.contains(position) ? position : nil
    }

    private func character(_ index: Int, of text: PythonString) throws(TemplateError)
        -> TemplateValue?
    {
        try charge(1 + text.utf8.count / 64)
        let count = text.count
        let position = index < 0 ? index + count : index
        guard (0..<count).contains(position) else { return nil }
        if count == text.utf8.count { return .string(text.with([text.utf8[position]])) }
        let scalars = text.scalars
        let scalar = scalars[scalars.index(scalars.startIndex, offsetBy: position)]
        return .string(PythonString([scalar]))
    }

    // MARK: - Slices

    func sliced(
        _ object: TemplateValue,
        _ start: TemplateValue?,
        _ stop: TemplateValue?,
        _ step: TemplateValue?
    ) throws(TemplateError) -> TemplateValue {
        if case .undefined(let undefined) = object { throw fail(undefined) }
        let bounds = try (bound(start), bound(stop), bound(step))
        guard bounds.2 != 0 else { throw fail("slice step cannot be zero") }
        switch object {
        case .list(let list): return try self.list(pick(list.elements, bounds))
        case .tuple(let list): return try tuple(pick(list.elements, bounds))
        case .string(let text): return try sliced(text, bounds)
        case .range: return try self.list(pick(try iterate(object), bounds))
        case .dict: throw fail("unhashable type: 'slice'")
        default:
            return .undefined(
                UndefinedValue(.element(of: object.objectName, shown: "slice(...)"))
            )
        }
    }

    private func sliced(
        _ text: PythonString,
        _ bounds: (Int?, Int?, Int?)
    ) throws(TemplateError) -> TemplateValue {
        try charge(bytes: text.utf8.count)
        let count = text.count
        let indices = Self.indices(bounds, count: count)
        if count == text.utf8.count {
            if indices.step == 1 {
                let stop = indices.start + indices.count
                return .string(text.with(text.utf8[indices.start..<stop]))
            }
            return .string(text.with(indices.all.map { text.utf8[$0] }))
        }
        if indices.step == 1 {
            let rest = text.utf8[text.offset(ofScalar: indices.start)...]
            return .string(text.with(PythonString.prefix(of: rest, scalars: indices.count)))
        }
        try charge(elements: count)
        let offsets = text.scalarOffsets
        return .string(
            text.with(indices.all.flatMap { text.utf8[offsets[$0]..<offsets[$0 + 1]] })
        )
    }

    private func bound(_ value: TemplateValue?) throws(TemplateError) -> Int? {
        switch value {
        case nil, .none?: return nil
        case .undefined(let undefined)?: throw fail(undefined)
        case let value?:
            guard let integer = value.integer else {
                throw fail("slice indices must be integers or None")
            }
            return integer
        }
    }

    private func pick(
        _ elements: [TemplateValue],
        _ bounds: (Int?, Int?, Int?)
    ) -> [TemplateValue] {
        Self.indices(bounds, count: elements.count).all.map { elements[$0] }
    }

    /// The indices a slice selects.
    struct SliceIndices {
        let start: Int
        let step: Int
        let count: Int
        var all: [Int] { (0..<count).map { start + $0 * step } }
    }

    /// Python's `slice.indices`.
    static func indices(_ bounds: (Int?, Int?, Int?), count: Int) -> SliceIndices {
        let step = max(bounds.2 ?? 1, -Int.max)
        let lowest = step < 0 ? -1 : 0
        let highest = step < 0 ? count - 1 : count
        func clamp(_ bound: Int?, _ fallback: Int) -> Int {
            guard let bound else { return fallback }
            return bound < 0 ? max(bound.addingClamped(count), lowest) : min(bound, highest)
        }
        let start = clamp(bounds.0, step < 0 ? highest : lowest)
        let stop = clamp(bounds.1, step < 0 ? lowest : highest)
        let distance = step < 0 ? start - stop : stop - start
        guard distance > 0 else { return SliceIndices(start: 0, step: 1, count: 0) }
        let selected = (distance - 1) / abs(step) + 1
        return SliceIndices(start: start, step: selected == 1 ? 1 : step, count: selected)
    }

    // MARK: - Iteration

    /// The items a `for` loop or a filter walks through; a generator is used up by it.
    func iterate(_ value: TemplateValue) throws(TemplateError) -> [TemplateValue] {
        switch value {
        case .list(let list), .tuple(let list): return list.elements
        case .dict(let dict): return dict.keys
        case .string(let text):
            try charge(elements: text.count, each: 2 * TemplateMeter.stringBytes)
            return text.characters.map { .string($0) }
        case .view(let view):
            // An item is a tuple of its own.
            let extra = view.kind == .items ? 2 * TemplateMeter.containerBytes : 0
            try charge(elements: view.dict.count, each: extra)
            return view.elements
        case .range(let range):
            try charge(elements: range.count)
            return (0..<range.count).map { .int(range.element($0)) }
        case .iterator(let iterator)
        where iterator.kind == .generator || iterator.kind == .reversed:
            let rest = Array(iterator.elements[iterator.position...])
            iterator.position = iterator.elements.count
            return rest
        case .undefined(let undefined):
            if case .unsafe = undefined.reason { throw fail(undefined) }
            return []
        default: throw fail("'\(value.typeName)' object is not iterable")
        }
    }

    /// Python's `len()`; `nil` where a value has none.
    func length(_ value: TemplateValue) throws(TemplateError) -> Int? {
        switch value {
        case .string(let text):
            try charge(1 + text.utf8.count / 64)
            return text.count
        case .list(let list), .tuple(let list): return list.elements.count
        case .dict(let dict): return dict.count
        case .view(let view): return view.dict.count
        case .range(let range): return range.count
        case .loop(let loop): return try loop.length()
        case .undefined(let undefined):
            if case .unsafe = undefined.reason { throw fail(undefined) }
            return 0
        default: return nil
        }
    }
}
