import Foundation

/// Python's `random.Random`: the Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998), seeded and
/// drawn from as CPython does, so that few-shot examples are those that lm-evaluation-harness takes.
struct PythonRandom {
    private var state = [UInt32](repeating: 0, count: 624)
    private var index = 624

    /// As `Random(seed)`.
    init(seed: UInt32) {
        state[0] = 19_650_218
        for i in 1..<624 {
            state[i] = 1_812_433_253 &* (state[i - 1] ^ (state[i - 1] >> 30)) &+ UInt32(i)
        }
        // init_by_array with a key of one word.
        var i = 1
        for _ in 0..<624 {
            state[i] = (state[i] ^ ((state[i - 1] ^ (state[i - 1] >> 30)) &* 1_664_525)) &+ seed
            i += 1
            if i == 624 {
                state[0] = state[623]
                i = 1
            }
        }
        for _ in 0..<623 {
            let mixed = (state[i - 1] ^ (state[i - 1] >> 30)) &* 1_566_083_941
            state[i] = (state[i] ^ mixed) &- UInt32(i)
            i += 1
            if i == 624 {
                state[0] = state[623]
                i = 1
            }
        }
        state[0] = 0x8000_0000
    }

    private mutating func next() -> UInt32 {
        if index == 624 { twist() }
        var word = state[index]
        index += 1
        word ^= word >> 11
        word ^= (word << 7) & 0x9D2C_5680
        word ^= (word << 15) & 0xEFC6_0000
        return word ^ (word >> 18)
    }

    private mutating func twist() {
        for i in 0..<624 {
            let joined = (state[i] & 0x8000_0000) | (state[(i + 1) % 624] & 0x7FFF_FFFF)
            let magic: UInt32 = joined & 1 == 1 ? 0x9908_B0DF : 0
            state[i] = state[(i + 397) % 624] ^ (joined >> 1) ^ magic
        }
        index = 0
    }

    /// A number from 0 below `count`, which is from 1 to 2³¹.
    private mutating func below(_ count: Int) -> Int {
        let bits = Int.bitWidth - count.leadingZeroBitCount
        while true {
            let drawn = Int(next() >> UInt32(32 - bits))
            if drawn < count { return drawn }
        }
    }

    /// As `sample(population, count)`: so many different elements.
    mutating func sample<Element>(_ population: [Element], _ count: Int) -> [Element] {
        let all = population.count
        precondition(count <= all, "a sample larger than its population")
        var setSize = 21.0
        if count > 5 { setSize += pow(4, ceil(log(Double(count * 3)) / log(4))) }
        var drawn: [Element] = []
        if Double(all) <= setSize {
            var pool = population
            for place in 0..<count {
                let chosen = below(all - place)
                drawn.append(pool[chosen])
                pool[chosen] = pool[all - place - 1]
            }
        } else {
            var taken: Set<Int> = []
            while drawn.count < count {
                let chosen = below(all)
                if taken.insert(chosen).inserted { drawn.append(population[chosen]) }
            }
        }
        return drawn
    }
}
