import Foundation
import TestSupport
import Testing

@testable import Trainer

/// Event files against `Tests/Fixtures/tracking/make.py`, which writes them with tensorboard.
@Suite("TensorBoard's events")
struct EventRecordTests {
    @Test("are those of tensorboard's own writer, byte for byte")
    func bytes() throws {
        let path = SharedData.packageRoot + "/Tests/Fixtures/tracking/events"
        let expected = [UInt8](try #require(FileManager.default.contents(atPath: path)))
        let time = 1_700_000_000.25
        let records: [EventRecord] = [
            .version(time: time), .start(time: time, step: 7),
            .text("args", "{\n}", time: time),
            .scalars([("train/loss", 1.5), ("train/learning_rate", 1e-4)], time: time, step: 300),
        ]
        #expect(records.flatMap(\.framed) == expected)
    }

    @Test("the checksum is Castagnoli's (RFC 3720)")
    func checksum() {
        #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.checksum([UInt8](0..<32)) == 0x46DD_794E)
    }
}
