extension PythonString {
    // MARK: - Stripping

    /// The text without space, or without the characters of a set, at its ends.
    func stripped(_ characters: PythonString?, left: Bool, right: Bool) -> PythonString {
        guard let characters else { return strippedOfSpace(left: left, right: right) }
        let set = Set(characters.scalars)
        let text = string
        var part = Substring(text).unicodeScalars
        while left, let first = part.first, set.contains(first) { part.removeFirst() }
        while right, let last = part.last, set.contains(last) { part.removeLast() }
        return with(String(part).utf8)
    }

    private func strippedOfSpace(left: Bool, right: Bool) -> PythonString {
        var part = utf8[...]
        while left, let length = Self.spaceLength(part) { part = part.dropFirst(length) }
        while right, let length = Self.trailingSpaceLength(part) { part = part.dropLast(length) }
        return part.count == utf8.count ? self : with(part)
    }

    // MARK: - Splitting

    /// `split(separator, most)`, or `rsplit`.
    ///
    /// - Parameter room: how many parts there is memory for.
    /// - Returns: `nil` where there would be more.
    func split(
        _ separator: PythonString,
        most: Int = .max,
        fromEnd: Bool = false,
        room: Int
    ) -> [PythonString]? {
        var places: [Int]
        let limit = min(most, max(room, 0))
        if fromEnd, most != .max {
            places = Array(lastOccurrences(of: separator, limit: limit).reversed())
        } else {
            places = occurrences(of: separator, limit: limit)
        }
        guard places.count < room else { return nil }
        var parts: [PythonString] = []
        var start = 0
        for place in places {
            parts.append(with(utf8[start..<place]))
            start = place + separator.utf8.count
        }
        parts.append(with(utf8[start...]))
        return parts
    }

    private func lastOccurrences(of part: PythonString, limit: Int) -> [Int] {
        var found: [Int] = []
        var end = utf8.count
        while found.count < limit, let place = findLast(part, before: end) {
            found.append(place)
            end = place
        }
        return found
    }

    /// `split()` at runs of space; `nil` where there would be more than `room` parts.
    func splitAtSpace(most: Int, fromEnd: Bool, room: Int) -> [PythonString]? {
        var words: [Range<Int>] = []
        var index = 0
        while index < utf8.count {
            if let length = Self.spaceLength(utf8[index...]) {
                index += length
                continue
            }
            let start = index
            while index < utf8.count, Self.spaceLength(utf8[index...]) == nil { index += 1 }
            words.append(start..<index)
            guard words.count < room else { return nil }
        }
        guard words.count > most else { return words.map { with(utf8[$0]) } }
        if fromEnd {
            let first = words.count - most
            let head = with(utf8[..<words[first - 1].upperBound])
            return [head.stripped(nil, left: most == 0, right: true)]
                + words[first...].map { with(utf8[$0]) }
        }
        let rest = with(utf8[words[most].lowerBound...])
        return words[..<most].map { with(utf8[$0]) } + [
            rest.stripped(nil, left: most == 0, right: false)
        ]
    }

    /// `splitlines()`; `nil` where there would be more than `room` lines.
    func lines(keepEnds: Bool, room: Int) -> [PythonString]? {
        var lines: [PythonString] = []
        var start = 0
        var index = 0
        while index < utf8.count {
            let length = Self.lineEndLength(utf8[index...])
            guard length > 0 else {
                index += 1
                continue
            }
            lines.append(with(utf8[start..<(keepEnds ? index + length : index)]))
            index += length
            start = index
            guard lines.count < room else { return nil }
        }
        if start < utf8.count { lines.append(with(utf8[start...])) }
        return lines
    }

    private static func lineEndLength(_ text: ArraySlice<UInt8>) -> Int {
        switch text.first {
        case 0x0D?: return text.dropFirst().first == 0x0A ? 2 : 1
        case 0x0A?, 0x0B?, 0x0C?, 0x1C?, 0x1D?, 0x1E?: return 1
        case 0xC2?: return text.dropFirst().first == 0x85 ? 2 : 0
        case 0xE2?:
            let next = text.dropFirst()
            let third = next.dropFirst().first
            return next.first == 0x80 && (third == 0xA8 || third == 0xA9) ? 3 : 0
        default: return 0
        }
    }

    // MARK: - Case

    /// `upper`, `lower`, `casefold`, `title`, `capitalize` or `swapcase`.
    func changingCase(_ method: String) -> PythonString {
        var output = String.UnicodeScalarView()
        var isFirst = true
        var afterCased = false
        for scalar in scalars {
            let properties = scalar.properties
            let mapped =
                switch method {
                case "upper": properties.uppercaseMapping
                case "lower", "casefold": properties.lowercaseMapping
                case "swapcase":
                    properties.isUppercase
                        ? properties.lowercaseMapping : properties.uppercaseMapping
                case "capitalize":
                    isFirst ? properties.titlecaseMapping : properties.lowercaseMapping
                default: afterCased ? properties.lowercaseMapping : properties.titlecaseMapping
                }
            output.append(contentsOf: mapped.unicodeScalars)
            afterCased = properties.isCased
            isFirst = false
        }
        return with(String(output).utf8)
    }

    /// The answer of `isdigit()` and its kind; `nil` for a name that is none of them.
    func hasProperty(_ method: String) -> Bool? {
        let scalars = scalars
        func all(_ holds: (Unicode.Scalar) -> Bool) -> Bool {
            !scalars.isEmpty && scalars.allSatisfy(holds)
        }
        let isCased = scalars.contains { $0.properties.isUppercase || $0.properties.isLowercase }
        return switch method {
        case "isalpha": all(\.isPythonAlpha)
        case "isdigit": all(\.isPythonDigit)
        case "isdecimal": all { $0.properties.generalCategory == .decimalNumber }
        case "isnumeric": all { $0.properties.numericType != nil }
        case "isalnum": all { $0.isPythonAlpha || $0.properties.numericType != nil }
        case "isspace": all(\.isPythonSpace)
        case "isascii": utf8.allSatisfy { $0 < 0x80 }
        case "isprintable": scalars.allSatisfy(\.isPythonPrintable)
        case "islower": isCased && !scalars.contains { $0.properties.isUppercase }
        case "isupper": isCased && !scalars.contains { $0.properties.isLowercase }
        case "istitle": isCased && changingCase("title") == self
        case "isidentifier":
            scalars.first.map { $0 == "_" || $0.properties.isXIDStart } ?? false
                && scalars.allSatisfy(\.properties.isXIDContinue)
        default: nil
        }
    }
}

extension Unicode.Scalar {
    /// Python's `str.isalpha`.
    var isPythonAlpha: Bool {
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            true
        default: false
        }
    }

    /// Python's `str.isdigit`.
    var isPythonDigit: Bool {
        properties.numericType == .decimal || properties.numericType == .digit
    }
}
