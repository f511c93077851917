import InferenceRuntime

/// Values of columns as JSON: what JSON has no number for becomes text, as Python's `isoformat` and
/// `str` write it.
enum TableScalar {
    /// Text; bytes that are none are refused.
    static func text(_ bytes: ArraySlice<UInt8>) throws(TableError) -> JSONValue {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw TableError("bytes that are not UTF-8 text")
        }
        return .string(text)
    }

    /// An integer without a sign.
    static func unsigned(_ value: UInt64) -> JSONValue {
        Int(exactly: value).map { JSONValue($0) } ?? .number(.literal("\(value)"))
    }

    /// IEEE 754 binary16.
    static func half(_ bits: UInt16) -> JSONValue {
        let exponent = Int(bits >> 10 & 0x1F)
        let fraction = Double(bits & 0x3FF)
        let magnitude: Double
        switch exponent {
        case 0: magnitude = fraction * 0x1p-24
        case 31: return .null
        default:
            magnitude =
                (1 + fraction * 0x1p-10)
                * Double(sign: .plus, exponent: exponent - 15, significand: 1)
        }
        return JSONValue(bits >> 15 == 1 ? -magnitude : magnitude)
    }

    /// A whole number of two's complement, its high byte first, over a power of ten.
    static func decimal(_ bytes: some Collection<UInt8>, scale: Int) throws(TableError) -> JSONValue
    {
        guard bytes.count <= 32, (0...76).contains(scale) else {
            throw TableError("decimals of this width or scale are not read")
        }
        var magnitude = Array(bytes)
        let isNegative = magnitude.first.map { $0 >= 0x80 } ?? false
        if isNegative {
            var carry = 1
            for place in magnitude.indices.reversed() {
                let sum = Int(~magnitude[place]) + carry
                magnitude[place] = UInt8(truncatingIfNeeded: sum)
                carry = sum >> 8
            }
        }
        var digits: [Character] = []
        while magnitude.contains(where: { $0 != 0 }) || digits.count <= scale {
            var rest = 0
            for place in magnitude.indices {
                let value = rest << 8 | Int(magnitude[place])
                magnitude[place] = UInt8(value / 10)
                rest = value % 10
            }
            digits.append(Character("\(rest)"))
        }
        if scale > 0 { digits.insert(".", at: scale) }
        return .string((isNegative ? "-" : "") + String(digits.reversed()))
    }

    /// `2024-02-29`.
    static func date(days: Int) throws(TableError) -> JSONValue { .string(try day(days)) }

    /// `12:30:00.250000`.
    static func time(_ count: Int64, _ unit: TimeUnit) throws(TableError) -> JSONValue {
        let (seconds, nanoseconds) = unit.split(count)
        guard (0..<86_400).contains(seconds) else { throw TableError("a time beyond a day") }
        return .string(clock(seconds, nanoseconds))
    }

    /// `2024-02-29T12:30:00`, with `+00:00` where it is in universal time.
    static func timestamp(
        _ count: Int64,
        _ unit: TimeUnit,
        isUniversal: Bool
    ) throws(TableError) -> JSONValue {
        let (seconds, nanoseconds) = unit.split(count)
        var (days, second) = seconds.quotientAndRemainder(dividingBy: 86_400)
        if second < 0 {
            days -= 1
            second += 86_400
        }
        let text = try day(days) + "T" + clock(second, nanoseconds)
        return .string(isUniversal ? text + "+00:00" : text)
    }

    /// The day so many days after 1970-01-01 in the Gregorian calendar; by Howard Hinnant's
    /// "chrono-Compatible Low-Level Date Algorithms".
    private static func day(_ days: Int) throws(TableError) -> String {
        guard (-719_162...2_932_896).contains(days) else {
            throw TableError("a date outside the years 1 to 9999")
        }
        let shifted = days + 719_468
        let era = shifted / 146_097
        let ofEra = shifted - era * 146_097
        let year = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * year + year / 4 - year / 100)
        let month = (5 * ofYear + 2) / 153
        let isNext = month >= 10
        return padded(year + era * 400 + (isNext ? 1 : 0), 4) + "-"
            + padded(isNext ? month - 9 : month + 3, 2) + "-"
            + padded(ofYear - (153 * month + 2) / 5 + 1, 2)
    }

    private static func clock(_ seconds: Int, _ nanoseconds: Int) -> String {
        let whole = [seconds / 3600, seconds / 60 % 60, seconds % 60].map { padded($0, 2) }
            .joined(separator: ":")
        if nanoseconds == 0 { return whole }
        return whole + "."
            + (nanoseconds % 1000 == 0 ? padded(nanoseconds / 1000, 6) : padded(nanoseconds, 9))
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let text = "\(number)"
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
}

/// What a column of times counts.
enum TimeUnit: Int {
    case seconds, milliseconds, microseconds, nanoseconds

    private var perSecond: Int64 {
        switch self {
        case .seconds: 1
        case .milliseconds: 1000
        case .microseconds: 1_000_000
        case .nanoseconds: 1_000_000_000
        }
    }

    /// Whole seconds, rounded down, and the nanoseconds beyond them.
    func split(_ count: Int64) -> (seconds: Int, nanoseconds: Int) {
        var (seconds, rest) = count.quotientAndRemainder(dividingBy: perSecond)
        if rest < 0 {
            seconds -= 1
            rest += perSecond
        }
        return (Int(seconds), Int(rest * (1_000_000_000 / perSecond)))
    }
}
