import InferenceRuntime
import Testing

@Suite("One ledger for the memory of a process")
struct MemoryLedgerTests {
    let ledger = MemoryLedger(total: 200, allotments: [.training: 100, .buffers: 50])

    @Test("what is reserved is gone until the reservation ends, and no use takes another's")
    func reserve() {
        var first = ledger.reserve(60, for: .training)
        #expect(first != nil)
        #expect(ledger.reserve(41, for: .training) == nil)
        #expect(ledger.reserve(51, for: .buffers) == nil)
        #expect(ledger.reserve(1, for: .cache) == nil)
        #expect(ledger.reserved(by: .training) == 60)
        first = nil
        #expect(ledger.reserved(by: .training) == 0)
        #expect(ledger.reserve(100, for: .training)?.bytes == 100)
    }

    @Test("negative and immense wishes are refused")
    func hostile() {
        #expect(ledger.reserve(-1, for: .training) == nil)
        #expect(ledger.reserve(.min, for: .training) == nil)
        #expect(ledger.reserve(.max, for: .training) == nil)
        #expect(ledger.reserved(by: .training) == 0)
    }
}
