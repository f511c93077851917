import Testing

@testable import InferenceRuntime

@Suite("Noise on embeddings")
struct EmbeddingNoiseTests {
    /// transformers: `emb += U(-a, a)` with a = alpha / √(L·d) (`integrations/neftune.py`).
    @Test("NEFTune's noise is uniform in ± alpha / √(length × hidden), and drawn by its seed")
    func noise() {
        func drawn(_ seed: UInt64, sequence: Int = 0) -> [Float] {
            var values = [Float](repeating: 0, count: 50 * 64)
            values.withUnsafeMutableBufferPointer { buffer in
                guard let x = buffer.baseAddress else { return }
                EmbeddingNoise(alpha: 5, seed: seed)
                    .add(to: x, rows: 50, hidden: 64, sequence: sequence)
            }
            return values
        }
        let bound = 5 / Float(50 * 64).squareRoot()
        let values = drawn(1)
        #expect(values.allSatisfy { abs($0) <= bound })
        let mean = values.reduce(0, +) / Float(values.count)
        let variance = values.reduce(0) { $0 + $1 * $1 } / Float(values.count)
        #expect(abs(mean) < 0.05 * bound)
        #expect(abs(variance / (bound * bound / 3) - 1) < 0.05)
        #expect(drawn(1) == values)
        #expect(drawn(2) != values)
        #expect(drawn(1, sequence: 1) != values)
    }
}
