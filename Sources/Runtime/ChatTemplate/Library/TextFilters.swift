extension TemplateInterpreter {
    func applyText(
        _ filter: TemplateFilter,
        _ value: TemplateValue,
        _ values: [TemplateValue?]
    ) throws(TemplateError) -> TemplateValue {
        let text = try str(value)
        try charge(bytes: text.utf8.count)
        switch filter {
        case .trim:
            let characters = try optionalText(values[0], "trim")
            return .string(text.stripped(characters, left: true, right: true))
        case .upper, .lower, .capitalize: return try changingCase(text, filter.rawValue)
        case .title:
            try charge(scalarsOf: text)
            return try string(title(text))
        case .center:
            let width = try optionalInteger(values[0], "center") ?? 80
            return try string(try padded(text, "center", width, " "))
        case .replace:
            guard let old = values[0], let new = values[1] else { throw missing("new", "replace") }
            let count = try optionalInteger(noneAsNil(values[2]), "replace") ?? -1
            return .string(try replace(PythonString(text.utf8), try str(old), try str(new), count))
        case .indent: return try indent(text, values)
        case .truncate: return try truncate(text, values)
        case .wordcount:
            try charge(scalarsOf: text)
            return .int(wordCount(text))
        case .wordwrap: return try wordWrap(text, values)
        case .pprint: return .string(try repr(value))
        case .urlencode: return try urlEncode(value, text)
        default: throw fail("the filter '\(filter.rawValue)' is not supported")
        }
    }

    private func noneAsNil(_ value: TemplateValue?) -> TemplateValue? {
        if case .none? = value { nil } else { value }
    }

    /// Jinja's `title`: words begin after space, `-` and opening brackets.
    private func title(_ text: PythonString) -> PythonString {
        var output = String.UnicodeScalarView()
        var isFirst = true
        for scalar in text.scalars {
            let mapped =
                isFirst ? scalar.properties.uppercaseMapping : scalar.properties.lowercaseMapping
            output.append(contentsOf: mapped.unicodeScalars)
            isFirst = scalar.isPythonSpace || "-({[<".unicodeScalars.contains(scalar)
        }
        return text.with(String(output).utf8)
    }

    private func indent(
        _ text: PythonString,
        _ values: [TemplateValue?]
    ) throws(TemplateError) -> TemplateValue {
        let indentation: PythonString
        if case .string(let given)? = values[0] {
            indentation = given
        } else {
            let width = max(0, try optionalInteger(values[0], "indent") ?? 4)
            try charge(bytes: width)
            indentation = PythonString([UInt8](repeating: 0x20, count: width))
        }
        let indentsFirst = values[1]?.isTrue == true
        let indentsBlank = values[2]?.isTrue == true
        var output: [UInt8] = []
        let lines = try parts(of: PythonString(text.utf8 + [0x0A]), "\n")
        // Jinja adds a newline before splitting, so that one at the end is kept.
        for (index, line) in lines.dropLast().enumerated() {
            let isIndented = index == 0 ? indentsFirst : indentsBlank || !line.isEmpty
            try charge(bytes: 1 + line.utf8.count + (isIndented ? indentation.utf8.count : 0))
            if index > 0 { output.append(0x0A) }
            if isIndented { output += indentation.utf8 }
            output += line.utf8
        }
        return .string(meter.claim(text.with(output)))
    }

    private func truncate(
        _ text: PythonString,
        _ values: [TemplateValue?]
    ) throws(TemplateError) -> TemplateValue {
        let length = try optionalInteger(values[0], "truncate") ?? 255
        let end = try optionalText(values[2], "truncate") ?? "..."
        let leeway = try optionalInteger(noneAsNil(values[3]), "truncate") ?? 5
        guard length >= end.count, leeway >= 0 else {
            throw fail("expected length >= \(end.count) and leeway >= 0")
        }
        if text.count <= length.addingClamped(leeway) { return .string(text) }
        guard case .string(let cut) = try sliced(.string(text), nil, .int(length - end.count), nil)
        else { return .string(text) }
        if values[1]?.isTrue == true { return try string(cut.with(cut.utf8 + end.utf8)) }
        let space = cut.utf8.lastIndex(of: 0x20) ?? cut.utf8.count
        return try string(cut.with(cut.utf8[..<space] + end.utf8))
    }

    private func wordCount(_ text: PythonString) -> Int {
        var count = 0
        var isInside = false
        for scalar in text.scalars {
            let isWord =
                scalar == "_" || scalar.isPythonAlpha || scalar.properties.numericType != nil
            if isWord, !isInside { count += 1 }
            isInside = isWord
        }
        return count
    }

    /// Wraps lines at spaces; words longer than a line are cut unless told otherwise.
    private func wordWrap(
        _ text: PythonString,
        _ values: [TemplateValue?]
    ) throws(TemplateError) -> TemplateValue {
        let width = try optionalInteger(values[0], "wordwrap") ?? 79
        guard width > 0 else { throw fail("invalid width \(width) (must be > 0)") }
        let breaksWords = values[1]?.isTrue ?? true
        let newline = try optionalText(noneAsNil(values[2]), "wordwrap") ?? "\n"
        var lines: [PythonString] = []
        for line in try self.lines(of: text, keepEnds: false) {
            var current: [PythonString] = []
            var used = 0
            func close() {
                lines.append(PythonString(current.map(\.utf8).joined(separator: [0x20])))
                current = []
                used = 0
            }
            for word in try self.parts(of: line, " ") {
                var rest = word.utf8[...]
                var count = word.count
                if used > 0, used + 1 + count > width { close() }
                while breaksWords, count > width {
                    let part = PythonString.prefix(of: rest, scalars: width)
                    try charge(bytes: part.count + TemplateMeter.stringBytes)
                    lines.append(PythonString(part))
                    rest = rest[part.endIndex...]
                    count -= width
                }
                try charge(bytes: rest.count + TemplateMeter.stringBytes)
                used += count + (current.isEmpty ? 0 : 1)
                current.append(PythonString(rest))
            }
            close()
        }
        let joints = lines.count.multipliedReportingOverflow(by: newline.utf8.count)
        try charge(bytes: joints.overflow ? .max : joints.partialValue)
        return try string(PythonString(lines.map(\.utf8).joined(separator: newline.utf8)))
    }

    private func urlEncode(
        _ value: TemplateValue,
        _ text: PythonString
    ) throws(TemplateError) -> TemplateValue {
        guard case .dict(let dict) = value else {
            return try string(PythonString(try quoted(text, keeping: "/")))
        }
        var output: [UInt8] = []
        for (key, value) in zip(dict.keys, dict.values) {
            if !output.isEmpty { output.append(UInt8(ascii: "&")) }
            let pair = (try str(key), try str(value))
            output += try quoted(pair.0, keeping: "")
            output.append(UInt8(ascii: "="))
            output += try quoted(pair.1, keeping: "")
        }
        return try string(PythonString(output))
    }

    private func quoted(
        _ text: PythonString,
        keeping safe: String
    ) throws(TemplateError) -> [UInt8] {
        // An escape is three bytes, and slow to make.
        try charge(bytes: text.utf8.count * 3)
        try charge(scalarsOf: text)
        var output: [UInt8] = []
        let kept = Set("_.-~".utf8).union(safe.utf8)
        for byte in text.utf8 {
            let isLetter = byte < 0x80 && TemplateLexer.isNameByte(byte)
            if isLetter || kept.contains(byte) {
                output.append(byte)
            } else if byte == 0x20, safe.isEmpty {
                output.append(UInt8(ascii: "+"))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                output += (byte < 16 ? "%0" : "%").utf8
                output += digits.utf8
            }
        }
        return output
    }
}
