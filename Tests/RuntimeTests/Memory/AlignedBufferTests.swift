import Foundation
import InferenceRuntime
import Testing

/// A cache sized for the worst case costs what it holds.
@Suite("Memory of large buffers")
struct AlignedBufferTests {
    /// Bytes of a buffer that are resident.
    private func resident(_ bytes: UnsafeRawBufferPointer) throws -> Int {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let start = try #require(UnsafeMutableRawPointer(mutating: bytes.baseAddress))
        var states = [UInt8](repeating: 0, count: (bytes.count + page - 1) / page)
        let result = mincore(start, bytes.count, &states)
        try #require(result == 0)
        return states.count { $0 & 1 != 0 } * page
    }

    @Test("a large buffer is resident where it was touched")
    func lazy() throws {
        let size = 64 << 20
        let buffer = AlignedBuffer<UInt8>(count: size)
        #expect(try resident(buffer.bytes) == 0)
        for offset in stride(from: 0, to: 4 << 20, by: 4096) { buffer[offset] = 1 }
        #expect(try resident(buffer.bytes) <= 6 << 20)
        #expect(buffer[size - 1] == 0)
    }

    @Test("a cache takes the memory of the blocks in use")
    func cache() throws {
        let pool = KVBlockPool(layers: 4, kvHeads: 4, headDim: 64, blocks: 1000, format: .f16)
        let all = UnsafeRawBufferPointer(
            start: pool.bytes(ofBlock: 0).baseAddress,
            count: pool.blocks * pool.bytesPerBlock
        )
        #expect(try resident(all) == 0)
        for block in 0..<64 {
            pool.bytes(ofBlock: block).initializeMemory(as: UInt8.self, repeating: 1)
        }
        #expect(try resident(all) <= 64 * pool.bytesPerBlock + (2 << 20))
    }
}
