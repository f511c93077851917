extension TemplateInterpreter {
    /// Calls a method of Python's `str`.
    func call(
        _ name: String,
        on text: PythonString,
        _ arguments: CallValues
    ) throws(TemplateError) -> TemplateValue {
        try charge(bytes: text.utf8.count)
        switch name {
        case "strip", "lstrip", "rstrip":
            let values = try bind(arguments, ["chars"], name)
            let chars = try optionalText(values[0], name)
            return .string(text.stripped(chars, left: name != "rstrip", right: name != "lstrip"))
        case "upper", "lower", "casefold", "title", "capitalize", "swapcase":
            return try changingCase(text, name)
        case "startswith", "endswith": return try hasAffix(name, text, arguments)
        case "split", "rsplit": return try split(name, text, arguments)
        case "splitlines":
            let values = try bind(arguments, ["keepends"], name)
            let keepsEnds = values[0]?.isTrue == true
            return try list(try lines(of: text, keepEnds: keepsEnds).map { .string($0) })
        case "partition", "rpartition": return try partition(name, text, arguments)
        case "replace": return try replace(text, arguments)
        case "find", "rfind", "index", "rindex", "count":
            return try find(name, text, arguments)
        case "join":
            let values = try bind(arguments, ["iterable"], name)
            guard let items = values[0] else { throw missing("iterable", name) }
            return try join(text, try iterate(items))
        case "removeprefix", "removesuffix": return try removeAffix(name, text, arguments)
        case "center", "ljust", "rjust", "zfill", "expandtabs":
            return try pad(name, text, arguments)
        case "format": return .string(try BraceFormat.format(text, arguments, self))
        default:
            try charge(scalarsOf: text)
            if let answer = text.hasProperty(name) { return .bool(answer) }
            throw fail("the method '\(name)' of strings is not supported in chat templates")
        }
    }

    /// The parts of a text between separators.
    func parts(
        of text: PythonString,
        _ separator: PythonString,
        most: Int = .max,
        fromEnd: Bool = false
    ) throws(TemplateError) -> [PythonString] {
        let room = roomForTexts
        guard
            let parts = text.split(separator, most: most, fromEnd: fromEnd, room: room)
        else { throw limit("a text in more than \(room) parts") }
        return parts
    }

    /// The lines of a text.
    func lines(of text: PythonString, keepEnds: Bool) throws(TemplateError) -> [PythonString] {
        let room = roomForTexts
        guard let lines = text.lines(keepEnds: keepEnds, room: room) else {
            throw limit("a text of more than \(room) lines")
        }
        return lines
    }

    /// A text in another case, which can be three times as long.
    func changingCase(_ text: PythonString, _ method: String) throws(TemplateError) -> TemplateValue
    {
        try charge(scalarsOf: text)
        return try string(text.changingCase(method))
    }

    func requiredText(
        _ value: TemplateValue?,
        _ parameter: String,
        _ function: String
    ) throws(TemplateError) -> PythonString {
        guard let value else { throw missing(parameter, function) }
        if case .undefined(let undefined) = value { throw fail(undefined) }
        guard case .string(let text) = value else {
            throw fail("\(function)() argument must be str, not \(value.typeName)")
        }
        return text
    }

    func optionalText(
        _ value: TemplateValue?,
        _ function: String
    ) throws(TemplateError) -> PythonString? {
        guard let value else { return nil }
        if case .none = value { return nil }
        return try requiredText(value, "", function)
    }

    func optionalInteger(
        _ value: TemplateValue?,
        _ function: String
    ) throws(TemplateError) -> Int? {
        guard let value else { return nil }
        if case .undefined(let undefined) = value { throw fail(undefined) }
        guard let integer = value.integer else {
            throw fail("\(function)(): '\(value.typeName)' object is not an integer")
        }
        return integer
    }

    private func hasAffix(
        _ name: String,
        _ text: PythonString,
        _ arguments: CallValues
    ) throws(TemplateError) -> TemplateValue {
        let values = try bind(
            arguments,
            [name == "endswith" ? "suffix" : "prefix", "start", "end"],
            name
        )
        var candidates: [TemplateValue] = []
        if case .tuple(let list)? = values[0] {
            candidates = list.elements
        } else if let value = values[0] {
            candidates = [value]
        }
        let part = try window(text, values[1], values[2], name)
        for candidate in candidates {
            if case .undefined(let undefined) = candidate { throw fail(undefined) }
            guard case .string(let affix) = candidate else {
                throw fail(
                    "\(name) first arg must be str or a tuple of str, not \(candidate.typeName)"
                )
            }
            try charge(1 + min(affix.utf8.count, part.utf8.count) / 64)
            let isThere =
                name == "endswith"
                ? part.utf8.suffix(affix.utf8.count).elementsEqual(affix.utf8)
                : part.utf8.starts(with: affix.utf8)
            if isThere { return .bool(true) }
        }
        guard values[0] != nil else { throw missing("prefix", name) }
        return .bool(false)
    }

    /// The part of a text between `start` and `end`, as many methods take them.
    private func window(
        _ text: PythonString,
        _ start: TemplateValue?,
        _ end: TemplateValue?,
        _ name: String
    ) throws(TemplateError) -> PythonString {
        if start == nil, end == nil { return text }
        guard case .string(let part) = try sliced(.string(text), start, end, nil) else {
            return text
        }
        return part
    }

    private func split(
        _ name: String,
        _ text: PythonString,
        _ arguments: CallValues
    ) throws(TemplateError) -> TemplateValue {
        let values = try bind(arguments, ["sep", "maxsplit"], name)
        let separator = try optionalText(values[0], name)
        let limit = try optionalInteger(values[1], name) ?? -1
        let most = limit < 0 ? Int.max : limit
        let fromEnd = name == "rsplit"
        if let separator {
            guard !separator.isEmpty else { throw fail("empty separator") }
            if fromEnd { try charge(fromEnd: separator, in: text) }
            let parts = try self.parts(of: text, separator, most: most, fromEnd: fromEnd)
            return try list(parts.map { .string($0) })
        }
        let room = roomForTexts
        guard let words = text.splitAtSpace(most: most, fromEnd: fromEnd, room: room) else {
            throw self.limit("a text of more than \(room) words")
        }
        return try list(words.map { .string($0) })
    }

    private func partition(
        _ name: String,
        _ text: PythonString,
        _ arguments: CallValues
    ) throws(TemplateError) -> TemplateValue {
        let values = try bind(arguments, ["sep"], name)
        let separator = try requiredText(values[0], "sep", name)
        guard !separator.isEmpty else { throw fail("empty separator") }
        if name == "rpartition" { try charge(fromEnd: separator, in: text) }
        let parts = try self.parts(of: text, separator, most: 1, fromEnd: name == "rpartition")
        if parts.count == 2 {
            return try tuple([.string(parts[0]), .string(separator), .string(parts[1])])
        }
        return try tuple(
            name == "partition"
                ? [.string(text), .empty, .empty] : [.empty, .empty, .string(text)]
        )
    }

    private func replace(
        _ text: PythonString,
        _ arguments: CallValues
    ) throws(TemplateError) -> TemplateValue {
        let values = try bind(arguments, ["old", "new", "count"], "replace")
        let old = try requiredText(values[0], "old", "replace")
        let new = try requiredText(values[1], "new", "replace")
        let count = try optionalInteger(values[2], "replace") ?? -1
        return .string(try replace(text, old, new, count))
    }

    /// `text.replace(old, new, count)`; every occurrence where `count` is negative.
    func replace(
        _ text: PythonString,
        _ old: PythonString,
        _ new: PythonString,
        _ count: Int
    ) throws(TemplateError) -> PythonString {
        let most = count < 0 ? Int.max : count
        let room = roomForTexts
        let places =
            old.isEmpty
            ? Array(text.scalarOffsets.prefix(most))
            : text.occurrences(of: old, limit: min(most, room + 1))
        guard places.count <= room else { throw limit("more than \(room) replacements") }
        let (growth, overflow) = places.count.multipliedReportingOverflow(
            by: new.utf8.count - old.utf8.count
        )
        let size = overflow ? Int.max : text.utf8.count.addingClamped(growth)
        try charge(bytes: size)
        try charge(places.count)
        var output: [UInt8] = []
        output.reserveCapacity(size)
        var position = 0
        for place in places {
            output += text.utf8[position..<place]
            output += new.utf8
            position = place + old.utf8.count
        }
        output += text.utf8[position...]
        return text.with(output)
    }

    private func find(
        _ name: String,
        _ text: PythonString,
        _ arguments: CallValues
    ) throws(TemplateError) -> TemplateValue {
        let values = try bind(arguments, ["sub", "start", "end"], name)
        let part = try requiredText(values[0], "sub", name)
        let whole = try window(text, values[1], values[2], name)
        if name == "count" {
            return .int(part.isEmpty ? whole.count + 1 : whole.countOccurrences(of: part))
        }
        if name.hasPrefix("r") { try charge(fromEnd: part, in: whole) }
        guard
            let offset = name.hasPrefix("r")
                ? whole.findLast(part, before: whole.utf8.count) : whole.find(part)
        else {
            if name.hasSuffix("index") { throw fail("substring not found") }
            return .int(-1)
        }
        let index = PythonString(whole.utf8[..<offset]).count
        let count = text.count
        let start = try optionalInteger(values[1], name) ?? 0
        return .int(index + min(start < 0 ? max(0, start.addingClamped(count)) : start, count))
    }

    /// Counts a search from the end, which is not linear, as what it can cost.
    private func charge(fromEnd part: PythonString, in text: PythonString) throws(TemplateError) {
        let cost = text.utf8.count.multipliedReportingOverflow(by: part.utf8.count)
        try charge(cost.overflow ? .max : cost.partialValue / 64)
    }

    /// `separator.join(items)`.
    func join(_ separator: PythonString, _ items: [TemplateValue]) throws(TemplateError)
        -> TemplateValue
    {
        var output: [UInt8] = []
        for (index, item) in items.enumerated() {
            if case .undefined(let undefined) = item { throw fail(undefined) }
            guard case .string(let text) = item else {
                throw fail(
                    "sequence item \(index): expected str instance, \(item.typeName) found"
                )
            }
            try charge(bytes: text.utf8.count + separator.utf8.count)
            if index > 0 { output += separator.utf8 }
            output += text.utf8
        }
        return .string(meter.claim(PythonString(utf8: output, isMarkup: false)))
    }

    private func removeAffix(
        _ name: String,
        _ text: PythonString,
        _ arguments: CallValues
    ) throws(TemplateError) -> TemplateValue {
        let values = try bind(arguments, ["affix"], name)
        let affix = try requiredText(values[0], "affix", name)
        if name == "removeprefix", text.utf8.starts(with: affix.utf8) {
            return .string(text.with(text.utf8.dropFirst(affix.utf8.count)))
        }
        if name == "removesuffix", text.utf8.suffix(affix.utf8.count).elementsEqual(affix.utf8) {
            return .string(text.with(text.utf8.dropLast(affix.utf8.count)))
        }
        return .string(text)
    }

    private func pad(
        _ name: String,
        _ text: PythonString,
        _ arguments: CallValues
    ) throws(TemplateError) -> TemplateValue {
        let values = try bind(arguments, ["width", "fillchar"], name)
        if name == "expandtabs" {
            let size = max(0, try optionalInteger(values[0], name) ?? 8)
            return try string(try expandTabs(text, size))
        }
        guard let width = try optionalInteger(values[0], name) else { throw missing("width", name) }
        let fill = try optionalText(values[1], name) ?? (name == "zfill" ? "0" : " ")
        guard fill.count == 1 else {
            throw fail("The fill character must be exactly one character long")
        }
        return try string(try padded(text, name, width, fill))
    }

    /// A text filled up to a width.
    func padded(
        _ text: PythonString,
        _ name: String,
        _ width: Int,
        _ fill: PythonString
    ) throws(TemplateError) -> PythonString {
        let count = text.count
        guard width > count else { return text }
        let missing = width - count
        // A scalar has at most four bytes.
        guard missing <= meter.room / 4 else { throw limit("a padding of \(missing)") }
        func filling(_ count: Int) -> [UInt8] {
            Array(repeatElement(fill.utf8, count: count).joined())
        }
        switch name {
        case "ljust": return text.with(text.utf8 + filling(missing))
        case "rjust": return text.with(filling(missing) + text.utf8)
        case "zfill":
            let isSigned =
                text.utf8.first == UInt8(ascii: "-") || text.utf8.first == UInt8(ascii: "+")
            let sign = text.utf8.prefix(isSigned ? 1 : 0)
            return text.with(sign + filling(missing) + text.utf8.dropFirst(sign.count))
        default:
            // Python's rule for the odd one.
            let left = missing / 2 + (missing & width & 1)
            return text.with(filling(left) + text.utf8 + filling(missing - left))
        }
    }

    private func expandTabs(_ text: PythonString, _ size: Int) throws(TemplateError) -> PythonString
    {
        let tabs = text.utf8.reduce(into: 0) { $0 += $1 == 0x09 ? 1 : 0 }
        let worst = tabs.multipliedReportingOverflow(by: size)
        guard !worst.overflow, worst.partialValue <= meter.room else {
            throw limit("tabs of \(size)")
        }
        var output: [UInt8] = []
        var column = 0
        for byte in text.utf8 {
            if byte == 0x09 {
                let count = size == 0 ? 0 : size - column % size
                output += [UInt8](repeating: 0x20, count: count)
                column += count
            } else {
                output.append(byte)
                if byte == 0x0A || byte == 0x0D {
                    column = 0
                } else if byte & 0xC0 != 0x80 {
                    column += 1
                }
            }
        }
        return text.with(output)
    }
}
