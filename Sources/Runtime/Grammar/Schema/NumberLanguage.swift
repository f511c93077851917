/// The spellings of numbers within bounds, as regular expressions over decimal digits.
struct NumberLanguage {
    let arena: RegexArena

    var minimum: ExactDecimal?
    var isMinimumExclusive = false
    var maximum: ExactDecimal?
    var isMaximumExclusive = false
    /// Whether only integers are wanted.
    var isInteger = false
    var multiples: [ExactDecimal] = []

    init(arena: RegexArena) { self.arena = arena }

    /// Narrows the bounds by one subschema's.
    mutating func add(_ keywords: SchemaKeywords) {
        for (bound, isExclusive) in [
            (keywords.minimum, false), (keywords.exclusiveMinimum, true),
        ] {
            guard let bound else { continue }
            if let old = minimum, bound < old || bound == old && isMinimumExclusive { continue }
            minimum = bound
            isMinimumExclusive = isExclusive
        }
        for (bound, isExclusive) in [
            (keywords.maximum, false), (keywords.exclusiveMaximum, true),
        ] {
            guard let bound else { continue }
            if let old = maximum, old < bound || bound == old && isMaximumExclusive { continue }
            maximum = bound
            isMaximumExclusive = isExclusive
        }
        if let divisor = keywords.multipleOf { multiples.append(divisor) }
    }

    /// The spellings; numbers without bounds may have exponents.
    func regex() -> RegexID {
        let isFree = minimum == nil && maximum == nil && multiples.isEmpty
        if isFree {
            let sign = arena.optional(text("-"))
            if isInteger { return arena.concatenate(sign, whole) }
            let power = arena.concatenate([
                arena.set(bytes("eE")), arena.optional(arena.set(bytes("+-"))), digits(1),
            ])
            return arena.concatenate([sign, magnitude, arena.optional(power)])
        }
        var alternatives: [RegexID] = []
        if maximum.map({ !$0.isNegative && !(isMaximumExclusive && $0.isZero) }) ?? true {
            var parts = [isInteger ? whole : magnitude]
            if let minimum, !minimum.isNegative {
                parts.append(atLeast(minimum, isExclusive: isMinimumExclusive))
            }
            if let maximum { parts.append(atMost(maximum, isExclusive: isMaximumExclusive)) }
            alternatives.append(arena.intersection(parts + multipleParts))
        }
        if minimum.map({ $0.isNegative }) ?? true {
            var parts = [isInteger ? whole : magnitude]
            if let maximum, maximum.isNegative || maximum.isZero {
                // "-0" is zero.
                let isExclusive = isMaximumExclusive || maximum.isZero
                parts.append(atLeast(maximum, isExclusive: isExclusive))
            } else {
                parts.append(positive)
            }
            if let minimum { parts.append(atMost(minimum, isExclusive: isMinimumExclusive)) }
            let inner = arena.intersection(parts + multipleParts)
            alternatives.append(arena.concatenate(text("-"), inner))
        }
        return arena.union(alternatives)
    }

    private var multipleParts: [RegexID] {
        multiples.compactMap { arena.multiples(of: $0) }
    }

    /// Whether all of this can be held to.
    var isExact: Bool { multiples.allSatisfy { arena.multiples(of: $0) != nil } }

    // MARK: - Parts

    private func bytes(_ text: String) -> ByteSet {
        text.utf8.reduce(into: ByteSet()) { $0.insert($1) }
    }

    private func text(_ text: String) -> RegexID { arena.literal(Array(text.utf8)) }

    private func digit(_ low: UInt8, _ high: UInt8) -> RegexID {
        low <= high ? arena.set(ByteSet((0x30 + low)...(0x30 + high))) : RegexArena.empty
    }

    private func digits(_ minimum: Int) -> RegexID { arena.repeated(digit(0, 9), minimum, nil) }

    private func literal(_ digits: some Sequence<UInt8>) -> RegexID {
        arena.literal(digits.map { $0 + 0x30 })
    }

    private var whole: RegexID {
        arena.union([text("0"), arena.concatenate(digit(1, 9), digits(0))])
    }

    private var fraction: RegexID {
        arena.optional(arena.concatenate(text("."), digits(1)))
    }

    private var magnitude: RegexID { arena.concatenate(whole, fraction) }

    /// Anything but zero.
    private var positive: RegexID {
        arena.union([
            arena.concatenate([digit(1, 9), digits(0), fraction]),
            arena.concatenate([text("0."), digits(0), digit(1, 9), digits(0)]),
        ])
    }

    /// Magnitudes from that of `bound` on.
    private func atLeast(_ bound: ExactDecimal, isExclusive: Bool) -> RegexID {
        let whole = bound.integerDigits.isEmpty ? [0] : bound.integerDigits
        var alternatives = [
            arena.concatenate([
                digit(1, 9), arena.repeated(digit(0, 9), whole.count, nil), fraction,
            ])
        ]
        for index in whole.indices {
            alternatives.append(parting(from: whole, at: index, by: digit(whole[index] + 1, 9)))
        }
        let tail = fractionAtLeast(bound.fractionDigits, isExclusive: isExclusive)
        alternatives.append(arena.concatenate(literal(whole), tail))
        return arena.union(alternatives)
    }

    /// Magnitudes with as many digits as `whole` before the point: its own up to `index`, one of
    /// `digits` there, and any behind it.
    private func parting(from whole: [UInt8], at index: Int, by digits: RegexID) -> RegexID {
        let rest = whole.count - index - 1
        return arena.concatenate([
            literal(whole[..<index]), digits, arena.repeated(digit(0, 9), rest, rest), fraction,
        ])
    }

    private func fractionAtLeast(_ digits: [UInt8], isExclusive: Bool) -> RegexID {
        let more = arena.concatenate([self.digits(0), digit(1, 9), self.digits(0)])
        guard !digits.isEmpty else {
            return isExclusive ? arena.concatenate(text("."), more) : fraction
        }
        var alternatives = digits.indices.map { index in
            arena.concatenate([
                literal(digits[..<index]), digit(digits[index] + 1, 9), self.digits(0),
            ])
        }
        alternatives.append(
            arena.concatenate(literal(digits), isExclusive ? more : self.digits(0))
        )
        return arena.concatenate(text("."), arena.union(alternatives))
    }

    /// Magnitudes up to that of `bound`.
    private func atMost(_ bound: ExactDecimal, isExclusive: Bool) -> RegexID {
        let whole = bound.integerDigits.isEmpty ? [0] : bound.integerDigits
        var alternatives: [RegexID] = []
        if whole.count > 1 {
            let shorter = arena.concatenate(
                digit(1, 9),
                arena.repeated(digit(0, 9), 0, whole.count - 2)
            )
            alternatives.append(arena.concatenate(arena.union([text("0"), shorter]), fraction))
        }
        for index in whole.indices where whole[index] > 0 {
            let low: UInt8 = index == 0 && whole.count > 1 ? 1 : 0
            alternatives.append(parting(from: whole, at: index, by: digit(low, whole[index] - 1)))
        }
        let tail = fractionAtMost(bound.fractionDigits, isExclusive: isExclusive)
        alternatives.append(arena.concatenate(literal(whole), tail))
        return arena.union(alternatives)
    }

    private func fractionAtMost(_ digits: [UInt8], isExclusive: Bool) -> RegexID {
        let zeros = arena.repeated(digit(0, 0), 1, nil)
        guard !digits.isEmpty else {
            return isExclusive
                ? RegexArena.empty : arena.optional(arena.concatenate(text("."), zeros))
        }
        var alternatives: [RegexID] = []
        for index in digits.indices {
            if index > 0 { alternatives.append(literal(digits[..<index])) }
            if digits[index] > 0 {
                alternatives.append(
                    arena.concatenate([
                        literal(digits[..<index]), digit(0, digits[index] - 1), self.digits(0),
                    ])
                )
            }
        }
        if !isExclusive {
            alternatives.append(
                arena.concatenate(literal(digits), arena.repeated(digit(0, 0), 0, nil))
            )
        }
        return arena.optional(arena.concatenate(text("."), arena.union(alternatives)))
    }
}
