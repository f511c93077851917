import CKernels
import InferenceRuntime

/// The same numbers in Swift and in the Python scripts that make fixtures.
extension SplitMix64 {
    /// Uniform in -1 ..< 1, exact in fp32.
    mutating func uniform() -> Float { Float(Int64(next() >> 40) - (1 << 23)) / Float(1 << 23) }

    mutating func array(_ count: Int, scale: Float = 1) -> [Float] {
        (0..<count).map { _ in uniform() * scale }
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

func context(_ dtype: ComputeDType, threads: Int = 1) -> ComputeContext {
    ComputeContext(pool: ThreadPool(threads: threads), dtype: dtype)
}

func bits(_ x: [Float]) -> [UInt32] { x.map(\.bitPattern) }

/// Runs a body with every instruction set the machine has; their results must agree with the first.
///
/// Forcing a set concerns the whole process, which is harmless: every set gives the same bits.
func onEveryInstructionSet(_ body: (InstructionSet) throws -> Void) rethrows {
    for set in InstructionSet.allCases where set.isSupported {
        fk_isa_force(set.code)
        defer { fk_isa_force(-1) }
        try body(set)
    }
}

/// x Wᵀ in doubles.
func product(_ x: [Float], _ w: [Float], rows: Int, columns: Int) -> [Double] {
    let m = x.count / columns
    var y = [Double](repeating: 0, count: m * rows)
    for i in 0..<m {
        for r in 0..<rows {
            var sum = 0.0
            for k in 0..<columns { sum += Double(x[i * columns + k]) * Double(w[r * columns + k]) }
            y[i * rows + r] = sum
        }
    }
    return y
}

/// The greatest difference relative to the greatest magnitude.
func error(_ got: [Float], _ expected: [Double]) -> Double {
    let scale = max(expected.map(abs).max() ?? 0, 1e-30)
    return zip(got, expected).map { abs(Double($0) - $1) }.max().map { $0 / scale } ?? 0
}
