extension Workspace {
    /// Positions first, first + 1, … of up to a workspace's rows.
    func positions(first: Int, count: Int) -> UnsafePointer<Int32> {
        for index in 0..<count { positionMemory[index] = Int32(first + index) }
        return UnsafePointer(positionMemory.baseAddress)
    }

    /// Inverse frequencies of a rotary embedding; the last regime of each is remembered.
    func frequencies(_ rotary: RotaryEmbedding, index: Int, regime: Int) -> [Float] {
        let known = frequencyCache[index]
        if regime == 0, let ordinary = known.ordinary { return ordinary }
        if regime != 0, let special = known.special, special.regime == regime {
            return special.values
        }
        let values = rotary.inverseFrequencies(regime: regime)
        if regime == 0 {
            frequencyCache[index].ordinary = values
        } else {
            frequencyCache[index].special = (regime, values)
        }
        return values
    }
}

/// Inverse frequencies of one rotary embedding, computed when first needed.
struct FrequencyCache {
    var ordinary: [Float]?
    var special: (regime: Int, values: [Float])?
}
