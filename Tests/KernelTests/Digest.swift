/// SHA-256, straight from the standard: fixtures are compared by digest.
func sha256(_ message: UnsafeRawBufferPointer) -> String {
    let (constants, initial) = digestConstants
    var hash = initial
    var padded = [UInt8](message) + [0x80]
    while padded.count % 64 != 56 { padded.append(0) }
    for shift in stride(from: 56, through: 0, by: -8) {
        padded.append(UInt8(truncatingIfNeeded: (message.count * 8) >> shift))
    }
    padded.withUnsafeBytes { bytes in
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { w in
            for block in stride(from: 0, to: bytes.count, by: 64) {
                for i in 0..<16 {
                    w[i] = UInt32(
                        bigEndian: bytes.load(fromByteOffset: block + i * 4, as: UInt32.self)
                    )
                }
                compress(&hash, w, constants)
            }
        }
    }
    return hash.map { word in
        let hex = String(word, radix: 16)
        return String(repeating: "0", count: 8 - hex.count) + hex
    }.joined()
}

func sha256<T: BitwiseCopyable>(_ values: [T]) -> String { values.withUnsafeBytes { sha256($0) } }

private func compress(
    _ hash: inout [UInt32],
    _ w: UnsafeMutableBufferPointer<UInt32>,
    _ constants: [UInt32]
) {
    func rotate(_ x: UInt32, _ n: UInt32) -> UInt32 { x >> n | x << (32 - n) }
    for i in 16..<64 {
        let a = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3
        let b = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10
        w[i] = w[i - 16] &+ a &+ w[i - 7] &+ b
    }
    var (a, b, c, d) = (hash[0], hash[1], hash[2], hash[3])
    var (e, f, g, h) = (hash[4], hash[5], hash[6], hash[7])
    for i in 0..<64 {
        let s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
        let t1 = h &+ s1 &+ (e & f ^ ~e & g) &+ constants[i] &+ w[i]
        let s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
        let t2 = s0 &+ (a & b ^ a & c ^ b & c)
        (h, g, f, e, d, c, b, a) = (g, f, e, d &+ t1, c, b, a, t1 &+ t2)
    }
    for (i, value) in [a, b, c, d, e, f, g, h].enumerated() { hash[i] &+= value }
}

/// The fractional bits of the roots of the first primes.
private let digestConstants: (rounds: [UInt32], initial: [UInt32]) = {
    var primes: [Int] = []
    var candidate = 2
    while primes.count < 64 {
        if primes.allSatisfy({ candidate % $0 != 0 }) { primes.append(candidate) }
        candidate += 1
    }
    /// floor(root(p) × 2^32) mod 2^32 by bisection in 128 bits.
    func bits(_ prime: Int, cube: Bool) -> UInt32 {
        var low: UInt64 = 0
        var high: UInt64 = 1 << 37
        while high - low > 1 {
            let x = (low + high) / 2
            let power = cube ? wide(x, 3) : wide(x, 2)
            if power <= UInt128(prime) << (cube ? 96 : 64) { low = x } else { high = x }
        }
        return UInt32(truncatingIfNeeded: low)
    }
    func wide(_ x: UInt64, _ n: Int) -> UInt128 {
        (0..<n).reduce(UInt128(1)) { product, _ in product * UInt128(x) }
    }
    return (primes.map { bits($0, cube: true) }, primes.prefix(8).map { bits($0, cube: false) })
}()
