@testable import InferenceRuntime
import Testing

@Suite("Resident budget")
struct ResidentBudgetTests {
    static let gigabyte = 1 << 30

    func budget(memory: Int, blockBytes: Int = 1 << 20) -> ResidentBudget {
        ResidentBudget(
            memory: memory,
            weights: Self.gigabyte,
            workspace: Self.gigabyte / 4,
            sampling: 0,
            adapters: Self.gigabyte / 4,
            training: 0,
            blockBytes: blockBytes
        )
    }

    @Test("with room to spare the cache is what the batch can hold")
    func spare() throws {
        let limits = SchedulerLimits(maxBatch: 4, contextTokens: 256)
        #expect(try budget(memory: 64 * Self.gigabyte).kvBlocks(for: limits) == 4 * 17)
    }

    @Test("with less the cache takes a quarter of memory, or what is left")
    func tight() throws {
        let limits = SchedulerLimits(maxBatch: 64, contextTokens: 4096)
        #expect(try budget(memory: 8 * Self.gigabyte).kvBlocks(for: limits) == 2048)
        #expect(try budget(memory: 2 * Self.gigabyte + 300 << 20).kvBlocks(for: limits) < 600)
    }

    @Test("what does not fit is refused with its numbers")
    func refused() {
        let limits = SchedulerLimits(maxBatch: 4, contextTokens: 16_384)
        let error = #expect(throws: ResidentBudgetError.self) {
            try budget(memory: 2 * Self.gigabyte).kvBlocks(for: limits)
        }
        #expect(
            error?.description.contains("needs 2817 MB of memory and there are 2048 MB") == true
        )
        #expect(error?.description.contains("context of 16384 tokens 1025 MB") == true)
    }

    @Test("a configuration's measures fit together")
    func configuration() {
        let limits = SchedulerLimits(maxBatch: 40, contextTokens: 5000, logitRows: 8)
        let configuration = EngineConfiguration(limits: limits, kvBlocks: 10)
        #expect(configuration.limits.contextTokens == 160)
        #expect(configuration.limits.logitRows == 41)
        #expect(configuration.maxRows == 512)
    }

    @Test("the machine says what is available")
    func machine() {
        #expect(MachineMemory.available > 1 << 20)
        #expect(MachineMemory.field("MemAvailable", of: "A: 1 kB\nMemAvailable:  7 kB\n") == 7168)
        #expect(MachineMemory.field("MemAvailable", of: "MemAvailable: x kB") == nil)
    }
}
