/// A decimal divisor: `modulus` units of the last of `places` places behind the point.
struct DecimalMultiples: Hashable {
    let modulus: Int32
    let places: Int32
}

extension RegexArena {
    /// Unsigned decimal numbers without exponent that are an integer times `divisor`; `nil` where
    /// the divisor has too many digits.
    func multiples(of divisor: ExactDecimal) -> RegexID? {
        var digits = divisor.digits
        if divisor.exponent > 0 {
            guard divisor.exponent < 9 else { return nil }
            digits += [UInt8](repeating: 0, count: divisor.exponent)
        }
        guard let modulus = digits.smallInteger, modulus > 0, modulus <= 100_000_000,
            divisor.exponent >= -30
        else { return nil }
        let entry = DecimalMultiples(
            modulus: Int32(modulus),
            places: Int32(max(0, -divisor.exponent))
        )
        let index = divisors.firstIndex(of: entry) ?? divisors.count
        if index == divisors.count { divisors.append(entry) }
        return multiples(Int32(index), remainder: -1, used: -1)
    }

    /// - Parameters:
    ///   - remainder: of the digits so far; -1 before the first.
    ///   - used: how many digits are behind the point; -1 before it.
    private func multiples(_ index: Int32, remainder: Int32, used: Int32) -> RegexID {
        let divisor = divisors[Int(index)]
        var rest = Int(remainder)
        // Places that were not written are zeros.
        for _ in 0..<max(0, Int(divisor.places) - max(0, Int(used))) where rest > 0 {
            rest = rest * 10 % Int(divisor.modulus)
        }
        return intern(
            Node(
                kind: .multiples,
                isNullable: rest == 0 && used != 0,
                isBoolean: true,
                a: index,
                b: remainder,
                c: used
            )
        )
    }

    func multiplesDerivative(_ node: Node, _ byte: UInt8) -> RegexID {
        let divisor = divisors[Int(node.a)]
        if byte == UInt8(ascii: ".") {
            guard node.c < 0, node.b >= 0 else { return Self.empty }
            return multiples(node.a, remainder: node.b, used: 0)
        }
        guard (0x30...0x39).contains(byte) else { return Self.empty }
        if node.c >= divisor.places {
            // Zeros beyond the divisor's last place change nothing.
            return byte == 0x30
                ? multiples(node.a, remainder: node.b, used: max(1, node.c)) : Self.empty
        }
        let next = (max(0, Int(node.b)) * 10 + Int(byte - 0x30)) % Int(divisor.modulus)
        let used = node.c < 0 ? -1 : node.c + 1
        return multiples(node.a, remainder: Int32(next), used: used)
    }
}
