import Glibc

/// One rotary embedding: which dimensions turn how fast.
public struct RotaryEmbedding: Sendable, Hashable {
    /// How frequencies are changed for long contexts.
    public enum Scaling: Sendable, Hashable {
        /// Not at all.
        case none
        /// All divided by a factor.
        case linear(factor: Double)
        /// The base grows with the length of the sequence beyond the original length.
        case dynamic(factor: Double)
        /// Low frequencies interpolated, high ones kept, a ramp between.
        case yarn(YaRN)
        /// One factor per frequency, another set beyond the original length.
        case longrope(short: [Double], long: [Double])
        /// Llama 3.1's smoothing between wavelengths.
        case llama3(factor: Double, low: Double, high: Double)
    }

    /// YaRN's constants.
    public struct YaRN: Sendable, Hashable {
        /// Interpolation factor.
        public var factor: Double
        /// Rotations over the original length at the ramp's ends.
        public var betaFast: Double, betaSlow: Double
        /// The ramp's ends are whole dimensions.
        public var truncates: Bool
    }

    /// Rotated dimensions of a head; even.
    public var dimensions: Int
    /// The base wavelength.
    public var theta: Double
    /// Long-context scaling.
    public var scaling: Scaling
    /// Length the model was trained on before it was extended.
    public var originalLength: Int
    /// Factor of sines and cosines.
    public var attentionFactor: Float

    /// Number of frequencies.
    public var half: Int { dimensions / 2 }

    /// Which set of frequencies a sequence of this final length uses; 0 for the ordinary one.
    ///
    /// Keys of different regimes do not mix: a prefix cache keys by it, and a sequence keeps the
    /// regime of the longest it may become, so that no result depends on how it was cut into steps.
    public func regime(maxLength: Int) -> Int {
        guard maxLength > originalLength else { return 0 }
        switch scaling {
        case .dynamic: return maxLength
        case .longrope: return 1
        case .none, .linear, .yarn, .llama3: return 0
        }
    }

    /// Inverse frequencies [half] of a regime, computed in fp32 as transformers does.
    public func inverseFrequencies(regime: Int) -> [Float] {
        let base = Float(theta)
        switch scaling {
        case .none: return powers(base).map { 1 / $0 }
        case .linear(let factor): return powers(base).map { 1 / $0 / Float(factor) }
        case .dynamic(let factor): return dynamic(factor, length: max(regime, originalLength))
        case .yarn(let yarn): return interpolated(yarn)
        case .longrope(let short, let long):
            let factors = regime == 0 ? short : long
            return zip(powers(base), factors).map { 1 / (Float($1) * $0) }
        case .llama3(let factor, let low, let high): return smoothed(factor, low, high)
        }
    }

    private func powers(_ base: Float) -> [Float] {
        (0..<half).map { powf(base, Float(2 * $0) / Float(dimensions)) }
    }

    private func dynamic(_ factor: Double, length: Int) -> [Float] {
        guard length > originalLength else { return powers(Float(theta)).map { 1 / $0 } }
        let stretch = factor * Double(length) / Double(originalLength) - (factor - 1)
        let exponent = Double(dimensions) / Double(max(dimensions - 2, 1))
        return powers(Float(theta * pow(stretch, exponent))).map { 1 / $0 }
    }

    private func interpolated(_ yarn: YaRN) -> [Float] {
        func dimension(_ rotations: Double) -> Double {
            Double(dimensions) * log(Double(originalLength) / (rotations * 2 * .pi))
                / (2 * log(theta))
        }
        var low = dimension(yarn.betaFast)
        var high = dimension(yarn.betaSlow)
        if yarn.truncates { (low, high) = (floor(low), ceil(high)) }
        low = max(low, 0)
        high = min(high, Double(dimensions - 1))
        if low == high { high += 0.001 }
        return powers(Float(theta)).enumerated().map { index, power in
            let ramp = min(max((Float(index) - Float(low)) / Float(high - low), 0), 1)
            let kept = 1 - ramp
            return 1 / (Float(yarn.factor) * power) * (1 - kept) + 1 / power * kept
        }
    }

    private func smoothed(_ factor: Double, _ low: Double, _ high: Double) -> [Float] {
        let length = Double(originalLength)
        return powers(Float(theta)).map { power in
            let frequency = 1 / power
            let wavelength = 2 * Float.pi / frequency
            if wavelength < Float(length / high) { return frequency }
            if wavelength > Float(length / low) { return frequency / Float(factor) }
            let smooth = (Float(length) / wavelength - Float(low)) / Float(high - low)
            return (1 - smooth) * (frequency / Float(factor)) + smooth * frequency
        }
    }
}
