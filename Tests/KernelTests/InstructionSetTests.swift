import InferenceRuntime
import Testing

@Suite("Instruction sets")
struct InstructionSetTests {
    @Test("A set that is not there is refused by name, with those that are")
    func unknown() throws {
        let error = try #require(throws: InstructionSetError.self) {
            try InstructionSet.check("avx1024")
        }
        #expect(error.description.contains("FACET_ISA=avx1024: there is no such"))
        #expect(error.description.contains("portable"))
    }

    @Test("A set is taken exactly where the machine can run it", arguments: InstructionSet.allCases)
    func known(set: InstructionSet) {
        if set.isSupported {
            #expect(throws: Never.self) { try InstructionSet.check(set.rawValue) }
        } else {
            #expect(throws: InstructionSetError.self) { try InstructionSet.check(set.rawValue) }
        }
    }
}

@Suite("Aligned buffers")
struct AlignedBufferTests {
    @Test("Buffers of every size are aligned and read as zero", arguments: [0, 1, 1000, 3 << 20])
    func zeroed(count: Int) {
        let buffer = AlignedBuffer<Float>(count: count)
        #expect(Int(bitPattern: buffer.baseAddress) % 64 == 0)
        #expect(buffer.elements.allSatisfy { $0 == 0 })
        for index in stride(from: 0, to: count, by: 997) { buffer[index] = 1 }
        #expect(buffer.count == count)
    }
}
