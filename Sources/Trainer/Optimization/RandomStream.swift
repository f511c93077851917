import InferenceRuntime

/// Random numbers for one purpose of a run, as a function of the seed and a place: nothing to save,
/// nothing that depends on threads, on serving load or on where a run was resumed.
struct RandomStream: Sendable {
    /// What the numbers are for; streams of different purposes are independent.
    enum Purpose: UInt32, Sendable {
        /// The first values of A.
        case initialization = 1
        /// Dropout masks.
        case dropout = 2
        /// NEFTune's noise.
        case noise = 3
        /// The order of examples.
        case order = 4
        /// Choosing validation examples.
        case split = 5
    }

    private let key: SIMD2<UInt32>
    private let high: SIMD2<UInt32>

    /// The stream of a seed for a purpose; `index` tells apart layers, epochs or steps.
    init(seed: Int, purpose: Purpose, index: Int) {
        let bits = UInt64(bitPattern: Int64(seed))
        key = SIMD2(UInt32(truncatingIfNeeded: bits), UInt32(truncatingIfNeeded: bits >> 32))
        high = SIMD2(UInt32(truncatingIfNeeded: index), purpose.rawValue)
    }

    /// A number in 0..<1 with 53 random bits.
    func uniform(_ place: Int) -> Double {
        let words = Philox.block(
            key: key,
            counter: SIMD4(
                UInt32(truncatingIfNeeded: place),
                UInt32(truncatingIfNeeded: place >> 32),
                high[0],
                high[1]
            )
        )
        let bits = UInt64(words[0]) << 32 | UInt64(words[1])
        return Double(bits >> 11) * 0x1p-53
    }

    /// A permutation of 0..<count (Fisher–Yates from the end).
    func permutation(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        for last in stride(from: count - 1, to: 0, by: -1) {
            order.swapAt(last, min(last, Int(uniform(last) * Double(last + 1))))
        }
        return order
    }
}
