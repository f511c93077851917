extension RegexArena {
    /// One scalar of a set, as it is written in `encoding`.
    func scalar(_ set: ScalarSet, _ encoding: TextEncoding) -> RegexID {
        let key = ScalarSetKey(set: set, encoding: encoding)
        if let known = scalarSets[key] { return known }
        var alternatives: [RegexID] = []
        switch encoding {
        case .plain: alternatives = utf8(set)
        case .json:
            alternatives = utf8(set.subtracting(Self.escaped))
            for range in set.ranges where range.lowerBound <= 0x5C {
                for value in range.lowerBound...min(range.upperBound, 0x5C)
                where Self.escaped.contains(value) {
                    alternatives.append(escape(UInt8(value)))
                }
            }
        }
        let result = union(alternatives)
        scalarSets[key] = result
        if set.isSuperset(of: .plainText) { textScalars.insert(result) }
        return result
    }

    /// What JSON may not write as it is in a string.
    private static let escaped = ScalarSet([0...0x1F, 0x22...0x22, 0x5C...0x5C])

    /// The usual spellings of a scalar that must be escaped.
    private func escape(_ value: UInt8) -> RegexID {
        let short: [UInt8: String] = [
            0x08: "b", 0x09: "t", 0x0A: "n", 0x0C: "f", 0x0D: "r", 0x22: "\"", 0x5C: "\\",
        ]
        var spellings: [RegexID] = []
        if let letter = short[value] { spellings.append(literal(Array(("\\" + letter).utf8))) }
        if value < 0x20 {
            let high = value >> 4
            let low = value & 15
            let digits: RegexID
            if low < 10 {
                digits = byte(0x30 + low)
            } else {
                var both = ByteSet(0x61 + low - 10)
                both.insert(0x41 + low - 10)
                digits = set(both)
            }
            spellings.append(concatenate(literal(Array("\\u00\(high)".utf8)), digits))
        }
        return union(spellings)
    }

    /// A text as a JSON string's content, in its usual spelling.
    static func jsonContent(_ text: String) -> [UInt8] {
        let quoted = JSONValue.string(text).serializedBytes
        return Array(quoted.dropFirst().dropLast())
    }

    // MARK: - JSON strings

    /// One scalar of a JSON string, however it may be spelled.
    var jsonScalar: RegexID {
        let key = ScalarSetKey(set: ScalarSet([]), encoding: .json)
        if let known = scalarSets[key] { return known }
        let hex = set(Self.hexDigits)
        let three = repeated(hex, 3, 3)
        // Of `D…`, only `D0` to `D7` is a scalar by itself.
        var notD = Self.hexDigits
        notD.remove(UInt8(ascii: "d"))
        notD.remove(UInt8(ascii: "D"))
        let d = set(ByteSet(UInt8(ascii: "d")).union(ByteSet(UInt8(ascii: "D"))))
        let single = union([
            concatenate(set(notD), three),
            concatenate([d, set(ByteSet(0x30...0x37)), repeated(hex, 2, 2)]),
        ])
        let high = concatenate([d, set(Self.hex("89abAB")), repeated(hex, 2, 2)])
        let low = concatenate([d, set(Self.hex("cdefCDEF")), repeated(hex, 2, 2)])
        let unicode = concatenate(
            literal(Array("u".utf8)),
            union([single, concatenate([high, literal(Array("\\u".utf8)), low])])
        )
        let plain = scalar(ScalarSet.all.subtracting(Self.escaped), .plain)
        let short = set(Self.hex("\"\\/bfnrt"))
        let result = union([
            plain, concatenate(byte(UInt8(ascii: "\\")), union([short, unicode])),
        ])
        scalarSets[key] = result
        textScalars.insert(result)
        return result
    }

    private static let hexDigits = hex("0123456789abcdefABCDEF")

    private static func hex(_ digits: String) -> ByteSet {
        digits.utf8.reduce(into: ByteSet()) { $0.insert($1) }
    }

    /// Any JSON string of so many scalars, quotes included.
    func jsonString(_ minimum: Int, _ maximum: Int?) -> RegexID {
        quoted(repeated(jsonScalar, minimum, maximum))
    }

    func quoted(_ content: RegexID) -> RegexID {
        let quote = byte(UInt8(ascii: "\""))
        return concatenate([quote, content, quote])
    }

    /// Any text in its usual spelling, without quotes.
    var canonicalText: RegexID { repeated(scalar(.all, .json), 0, nil) }

    /// A JSON string, quotes included, in its usual spelling, whose text is none of `texts`.
    func jsonString(excluding texts: [String]) -> RegexID {
        let quote = byte(UInt8(ascii: "\""))
        let free = concatenate(canonicalText, quote)
        guard !texts.isEmpty else { return concatenate(quote, free) }
        let root = tries.nodes.count
        tries.nodes.append(.init(free: free, isComplete: true))
        for text in texts { exclude(Self.jsonContent(text), from: root) }
        return concatenate(quote, excluding(trie: root))
    }

    private func exclude(_ text: [UInt8], from root: Int) {
        var node = root
        for byte in text {
            if let child = tries.child(of: node, byte) {
                node = child
                continue
            }
            var same = ByteSet.all
            let free = derivative(tries.nodes[node].free, byte, same: &same)
            let child = tries.nodes.count
            let isComplete = free == tries.nodes[root].free
            tries.nodes.append(.init(free: free, isComplete: isComplete))
            tries.nodes[node].edges.append((byte: byte, child: child))
            node = child
        }
        tries.nodes[node].isEnd = true
    }
}

// MARK: - UTF-8

extension RegexArena {
    /// The alternatives of a set's scalars as UTF-8: one set of ASCII, then sequences of ranges.
    private func utf8(_ set: ScalarSet) -> [RegexID] {
        var ascii = ByteSet()
        var alternatives: [RegexID] = []
        for range in set.ranges {
            if range.lowerBound < 0x80 {
                for value in range.lowerBound...min(range.upperBound, 0x7F) {
                    ascii.insert(UInt8(value))
                }
            }
            for (low, high) in [(0x80, 0x7FF), (0x800, 0xFFFF), (0x10000, 0x10FFFF)] {
                let low = max(range.lowerBound, UInt32(low))
                let high = min(range.upperBound, UInt32(high))
                if low <= high { appendSequences(low, high, to: &alternatives) }
            }
        }
        if !ascii.isEmpty { alternatives.append(self.set(ascii)) }
        return alternatives
    }

    /// Splits scalars of equally many bytes into sequences of byte ranges.
    private func appendSequences(
        _ low: UInt32,
        _ high: UInt32,
        to alternatives: inout [RegexID]
    ) {
        let first = Self.encode(low)
        let last = Self.encode(high)
        appendSequences(first[...], last[...], prefix: Self.epsilon, to: &alternatives)
    }

    private func appendSequences(
        _ first: ArraySlice<UInt8>,
        _ last: ArraySlice<UInt8>,
        prefix: RegexID,
        to alternatives: inout [RegexID]
    ) {
        guard let low = first.first, let high = last.first else {
            alternatives.append(prefix)
            return
        }
        let restLow = first.dropFirst()
        let restHigh = last.dropFirst()
        let lowest = restLow.map { _ in UInt8(0x80) }[...]
        let highest = restLow.map { _ in UInt8(0xBF) }[...]
        if low == high {
            appendSequences(
                restLow,
                restHigh,
                prefix: concatenate(prefix, byte(low)),
                to: &alternatives
            )
            return
        }
        var from = low
        var to = high
        if !restLow.elementsEqual(lowest) {
            appendSequences(
                restLow,
                highest,
                prefix: concatenate(prefix, byte(low)),
                to: &alternatives
            )
            from = low + 1
        }
        if !restHigh.elementsEqual(highest) {
            appendSequences(
                lowest,
                restHigh,
                prefix: concatenate(prefix, byte(high)),
                to: &alternatives
            )
            to = high - 1
        }
        guard from <= to else { return }
        let continuation = set(ByteSet(0x80...0xBF))
        let rest = concatenate(restLow.map { _ in continuation })
        alternatives.append(concatenate([prefix, set(ByteSet(from...to)), rest]))
    }

    private static func encode(_ scalar: UInt32) -> [UInt8] {
        guard let scalar = Unicode.Scalar(scalar) else { return [] }
        return Array(String(scalar).utf8)
    }
}
