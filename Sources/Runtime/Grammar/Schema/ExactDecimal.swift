/// A JSON number without rounding: digits and a power of ten.
struct ExactDecimal: Hashable, Sendable {
    let isNegative: Bool
    /// Decimal digits, highest first, without zeros at either end; none for zero.
    let digits: [UInt8]
    /// The power of ten of the last digit.
    let exponent: Int

    /// Exponents beyond this are not computed with.
    private static let exponentLimit = 100_000

    /// Reads a JSON number; `nil` where its exponent is beyond all use.
    init?(_ number: JSONNumber) {
        self.init(number.spelling)
    }

    init?(_ text: String) {
        var digits: [UInt8] = []
        var exponent = 0
        var isNegative = false
        var inFraction = false
        var bytes = Array(text.utf8)[...]
        if bytes.first == UInt8(ascii: "-") {
            isNegative = true
            bytes = bytes.dropFirst()
        }
        while let byte = bytes.first {
            bytes = bytes.dropFirst()
            switch byte {
            case UInt8(ascii: "."): inFraction = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                guard let power = Int(String(decoding: bytes, as: UTF8.self)),
                    abs(power) <= Self.exponentLimit
                else { return nil }
                exponent += power
                bytes = []
            case 0x30...0x39:
                digits.append(byte - 0x30)
                if inFraction { exponent -= 1 }
            default: return nil
            }
        }
        while digits.last == 0 {
            digits.removeLast()
            exponent += 1
        }
        digits = Array(digits.drop { $0 == 0 })
        self.digits = digits
        self.isNegative = isNegative && !digits.isEmpty
        self.exponent = digits.isEmpty ? 0 : exponent
    }

    var isZero: Bool { digits.isEmpty }
    var isInteger: Bool { exponent >= 0 }

    /// The digits before the point; `0` is none.
    var integerDigits: [UInt8] {
        if exponent >= 0 { return digits + [UInt8](repeating: 0, count: exponent) }
        return Array(digits.dropLast(-exponent))
    }

    /// The digits behind the point.
    var fractionDigits: [UInt8] {
        guard exponent < 0 else { return [] }
        let missing = max(0, -exponent - digits.count)
        return [UInt8](repeating: 0, count: missing) + digits.suffix(-exponent)
    }

    static func < (left: ExactDecimal, right: ExactDecimal) -> Bool {
        if left.isNegative != right.isNegative { return left.isNegative }
        let order = compareMagnitudes(left, right)
        return left.isNegative ? order > 0 : order < 0
    }

    static func <= (left: ExactDecimal, right: ExactDecimal) -> Bool { !(right < left) }

    private static func compareMagnitudes(_ left: ExactDecimal, _ right: ExactDecimal) -> Int {
        if left.isZero || right.isZero {
            return left.isZero ? (right.isZero ? 0 : -1) : 1
        }
        let leftTop = left.digits.count + left.exponent
        let rightTop = right.digits.count + right.exponent
        if leftTop != rightTop { return leftTop < rightTop ? -1 : 1 }
        for index in 0..<max(left.digits.count, right.digits.count) {
            let a = index < left.digits.count ? left.digits[index] : 0
            let b = index < right.digits.count ? right.digits[index] : 0
            if a != b { return a < b ? -1 : 1 }
        }
        return 0
    }

    /// Whether this is an integer times `divisor`; `nil` where the divisor has too many digits.
    func isMultiple(of divisor: ExactDecimal) -> Bool? {
        if isZero { return true }
        guard let modulus = divisor.digits.smallInteger, modulus > 0 else { return nil }
        var remainder = 0
        for digit in digits { remainder = (remainder * 10 + Int(digit)) % modulus }
        var shift = exponent - divisor.exponent
        while shift > 0, remainder != 0 {
            remainder = remainder * 10 % modulus
            shift -= 1
        }
        // Where the digits begin below the divisor's last one, they would have to end in a zero.
        return shift >= 0 && remainder == 0
    }

    /// A number's usual spelling without an exponent, where that is not too long.
    var plainSpelling: String? {
        guard exponent <= 400, exponent >= -400 else { return nil }
        let whole = integerDigits.map { Character(Unicode.Scalar($0 + 0x30)) }
        let fraction = fractionDigits.map { Character(Unicode.Scalar($0 + 0x30)) }
        return (isNegative ? "-" : "") + (whole.isEmpty ? "0" : String(whole))
            + (fraction.isEmpty ? "" : "." + String(fraction))
    }
}

extension [UInt8] {
    /// Decimal digits as an integer of at most 17 digits.
    var smallInteger: Int? {
        guard count <= 17 else { return nil }
        return reduce(0) { $0 * 10 + Int($1) }
    }
}
