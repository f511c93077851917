/// Quantizes blocks of 256 numbers to K-quants, after ggml's reference (`quantize_row_q4_K_ref` and its kin): the scales
/// of the parts of a block are searched for the least weighted error, then quantized themselves.
enum GGUFKQuantizer {
    typealias Numbers = UnsafePointer<Float>
    typealias Bytes = UnsafeMutablePointer<UInt8>

    /// Below this a block counts as zeros (`GROUP_MAX_EPS`).
    private static let least: Float = 1e-15

    private static func nearest(_ x: Float, _ range: ClosedRange<Int>) -> Int {
        let rounded = x.rounded(.toNearestOrEven)
        guard rounded.isFinite else { return rounded > 0 ? range.upperBound : range.lowerBound }
        return Int(max(Float(range.lowerBound), min(Float(range.upperBound), rounded)))
    }

    /// Q4_K: d and dmin in fp16, 8 scales and 8 minima of 6 bits, 256 codes of 4 bits.
    static func q4_K(_ x: Numbers, _ out: Bytes) {
        let codes = scaled(x, out, largest: 15, from: -1, steps: 20)
        let packed = out + 16
        for part in 0..<4 {
            for j in 0..<32 {
                packed[32 * part + j] = codes[64 * part + j] | codes[64 * part + 32 + j] << 4
            }
        }
    }

    /// Q5_K: as Q4_K, with the codes' fifth bits in front of them.
    static func q5_K(_ x: Numbers, _ out: Bytes) {
        let codes = scaled(x, out, largest: 31, from: -0.5, steps: 15)
        let (high, packed) = (out + 16, out + 48)
        for j in 0..<32 { high[j] = 0 }
        for part in 0..<4 {
            for j in 0..<32 {
                let (one, two) = (codes[64 * part + j], codes[64 * part + 32 + j])
                packed[32 * part + j] = one & 15 | (two & 15) << 4
                high[j] |= ((one >> 4) << (2 * part)) | ((two >> 4) << (2 * part + 1))
            }
        }
    }

    /// Q6_K: 256 codes of 6 bits in two parts, 16 scales of 8 bits, d in fp16.
    static func q6_K(_ x: Numbers, _ out: Bytes) {
        var codes = [UInt8](repeating: 0, count: 256)
        var scales = [Float](repeating: 0, count: 16)
        var extreme: Float = 0
        for part in 0..<16 {
            scales[part] = symmetric(x + 16 * part, &codes, at: 16 * part)
            if abs(scales[part]) > abs(extreme) { extreme = scales[part] }
        }
        for index in 0..<210 { out[index] = 0 }
        guard abs(extreme) >= least else { return }
        let inverse = -128 / extreme
        let d = GGUFQuantizer.store(1 / inverse, out + 208)
        for part in 0..<16 {
            let scale = nearest(inverse * scales[part], -128...127)
            out[192 + part] = UInt8(bitPattern: Int8(scale))
            let step = d * Float(scale)
            guard step != 0 else { continue }
            for j in 0..<16 {
                codes[16 * part + j] = UInt8(nearest(x[16 * part + j] / step, -32...31) + 32)
            }
        }
        for half in 0..<2 {
            let (low, high, first) = (out + 64 * half, out + 128 + 32 * half, 128 * half)
            for l in 0..<32 {
                let q = (0..<4).map { codes[first + l + 32 * $0] }
                low[l] = q[0] & 15 | (q[2] & 15) << 4
                low[l + 32] = q[1] & 15 | (q[3] & 15) << 4
                high[l] = (0..<4).reduce(0) { $0 | ((q[$1] >> 4) << (2 * $1)) }
            }
        }
    }

    /// Writes d, dmin and the 6-bit scales and minima of the eight parts of a block.
    /// - Returns: The codes, 0 to `largest`.
    private static func scaled(
        _ x: Numbers,
        _ out: Bytes,
        largest: Int,
        from first: Float,
        steps: Int
    ) -> [UInt8] {
        var codes = [UInt8](repeating: 0, count: 256)
        var (scales, minima) = ([Float](repeating: 0, count: 8), [Float](repeating: 0, count: 8))
        for part in 0..<8 {
            (scales[part], minima[part]) = affine(
                x + 32 * part,
                &codes,
                at: 32 * part,
                largest: largest,
                from: first,
                steps: steps
            )
        }
        let (topScale, topMinimum) = (max(0, scales.max() ?? 0), max(0, minima.max() ?? 0))
        let (inverseScale, inverseMinimum) = (
            topScale > 0 ? 63 / topScale : 0, topMinimum > 0 ? 63 / topMinimum : 0
        )
        let d = GGUFQuantizer.store(topScale / 63, out)
        let dmin = GGUFQuantizer.store(topMinimum / 63, out + 2)
        let packed = out + 4
        for index in 0..<12 { packed[index] = 0 }
        for part in 0..<8 {
            let scale = nearest(inverseScale * scales[part], 0...63)
            let minimum = nearest(inverseMinimum * minima[part], 0...63)
            let (s, m) = (UInt8(scale), UInt8(minimum))
            if part < 4 {
                packed[part] = s
                packed[part + 4] = m
            } else {
                packed[part + 4] = s & 15 | (m & 15) << 4
                packed[part - 4] |= (s >> 4) << 6
                packed[part] |= (m >> 4) << 6
            }
            let (step, floor) = (d * Float(scale), dmin * Float(minimum))
            guard step != 0 else { continue }
            for j in 32 * part..<32 * part + 32 {
                codes[j] = UInt8(nearest((x[j] + floor) / step, 0...largest))
            }
        }
        return codes
    }

    /// `make_qkx2_quants`: scale and minimum, x ≈ scale × code − minimum, of the least error weighted by
    /// √(mean x²) + |x| among scales near (greatest − least) / largest.
    private static func affine(
        _ x: Numbers,
        _ codes: inout [UInt8],
        at place: Int,
        largest: Int,
        from first: Float,
        steps: Int
    ) -> (scale: Float, minimum: Float) {
        let count = 32
        var squares: Float = 0
        for j in 0..<count { squares += x[j] * x[j] }
        let mean = (squares / Float(count)).squareRoot()
        let weights = (0..<count).map { mean + abs(x[$0]) }
        var (low, high) = (x[0], x[0])
        var (sumW, sumX): (Float, Float) = (0, 0)
        for j in 0..<count {
            (low, high) = (min(low, x[j]), max(high, x[j]))
            sumW += weights[j]
            sumX += weights[j] * x[j]
        }
        low = min(low, 0)
        guard high > low else {
            for j in 0..<count { codes[place + j] = 0 }
            return (0, -low)
        }
        func trial(_ inverse: Float) -> [Int] {
            (0..<count).map { nearest(inverse * (x[$0] - low), 0...largest) }
        }
        func error(_ trial: [Int], _ scale: Float, _ minimum: Float) -> Float {
            var sum: Float = 0
            for j in 0..<count {
                let difference = scale * Float(trial[j]) + minimum - x[j]
                sum += weights[j] * difference * difference
            }
            return sum
        }
        let plain = Float(largest) / (high - low)
        var best = trial(plain)
        var (scale, minimum) = (1 / plain, low)
        var least = error(best, scale, minimum)
        for step in 0...steps {
            let codes = trial((first + 0.1 * Float(step) + Float(largest)) / (high - low))
            var (sumL, sumL2, sumXL): (Float, Float, Float) = (0, 0, 0)
            for j in 0..<count {
                let l = Float(codes[j])
                sumL += weights[j] * l
                sumL2 += weights[j] * l * l
                sumXL += weights[j] * l * x[j]
            }
            let determinant = sumW * sumL2 - sumL * sumL
            guard determinant > 0 else { continue }
            var itsScale = (sumW * sumXL - sumX * sumL) / determinant
            var itsMinimum = (sumL2 * sumX - sumL * sumXL) / determinant
            if itsMinimum > 0 { (itsMinimum, itsScale) = (0, sumXL / sumL2) }
            let itsError = error(codes, itsScale, itsMinimum)
            if itsError < least {
                (best, least, scale, minimum) = (codes, itsError, itsScale, itsMinimum)
            }
        }
        for j in 0..<count { codes[place + j] = UInt8(best[j]) }
        return (scale, -minimum)
    }

    /// `make_qx_quants` of 16 numbers: a scale, x ≈ scale × (code − 32), of the least error weighted by x².
    private static func symmetric(_ x: Numbers, _ codes: inout [UInt8], at place: Int) -> Float {
        let extreme = GGUFQuantizer.extreme(x, count: 16)
        guard abs(extreme) >= least else {
            for j in 0..<16 { codes[place + j] = 0 }
            return 0
        }
        var (scale, best): (Float, Float) = (0, 0)
        // The plain scale first, then its neighbours.
        for step in [0] + (-9...9).filter({ $0 != 0 }) {
            let inverse = -(32 + 0.1 * Float(step)) / extreme
            var (sumLX, sumL2): (Float, Float) = (0, 0)
            for j in 0..<16 {
                let (l, weight) = (Float(nearest(inverse * x[j], -32...31)), x[j] * x[j])
                sumLX += weight * x[j] * l
                sumL2 += weight * l * l
            }
            guard step == 0 || (sumL2 > 0 && sumLX * sumLX > best * sumL2) else { continue }
            scale = sumL2 > 0 ? sumLX / sumL2 : 0
            best = scale * sumLX
            for j in 0..<16 {
                codes[place + j] = UInt8(nearest(inverse * x[j], -32...31) + 32)
            }
        }
        return scale
    }
}
