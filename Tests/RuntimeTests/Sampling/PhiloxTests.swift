import InferenceRuntime
import Testing

@Suite("Philox, random numbers by counter")
struct PhiloxTests {
    @Test(
        "gives the known answers of Random123",
        arguments: [
            (
                SIMD2<UInt32>(0, 0), SIMD4<UInt32>(0, 0, 0, 0),
                SIMD4<UInt32>(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8)
            ),
            (
                SIMD2<UInt32>(repeating: .max), SIMD4<UInt32>(repeating: .max),
                SIMD4<UInt32>(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd)
            ),
            (
                SIMD2<UInt32>(0xa409_3822, 0x299f_31d0),
                SIMD4<UInt32>(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
                SIMD4<UInt32>(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1)
            ),
        ]
    )
    func knownAnswers(key: SIMD2<UInt32>, counter: SIMD4<UInt32>, expected: SIMD4<UInt32>) {
        #expect(Philox.block(key: key, counter: counter) == expected)
    }

    @Test("draws lie in 0..<1, and differ by step and by seed")
    func uniform() {
        let draws = (0..<1000).map { Philox.uniform(seed: 7, step: UInt64($0)) }
        #expect(draws.allSatisfy { (0..<1).contains($0) })
        #expect(Set(draws).count == 1000)
        #expect(abs(draws.reduce(0, +) / 1000 - 0.5) < 0.03)
        #expect(Philox.uniform(seed: 8, step: 0) != draws[0])
    }
}
