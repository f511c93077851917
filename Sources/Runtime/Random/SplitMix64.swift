/// SplitMix64 (Steele, Lea and Flood 2014; constants of Vigna's C version): 64 random bits from a
/// counter that advances by the golden ratio and a mixing function.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    /// 2⁶⁴ divided by the golden ratio, made odd: the step of the counter.
    package static let gamma: UInt64 = 0x9E37_79B9_7F4A_7C15

    package var state: UInt64

    /// The stream that starts at a state.
    package init(state: UInt64) {
        self.state = state
    }

    package mutating func next() -> UInt64 {
        state &+= Self.gamma
        return Self.finalize(state)
    }

    /// The mixing function: the finaliser of MurmurHash3 as improved by David Stafford (variant 13).
    package static func finalize(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
