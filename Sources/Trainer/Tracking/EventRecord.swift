/// One of TensorBoard's events (tensorflow/tensorboard, `event.proto` and `summary.proto`) in
/// protocol buffers' bytes.
struct EventRecord {
    private var bytes: [UInt8] = []

    /// What begins every file.
    static func version(time: Double) -> EventRecord {
        event(time, step: 0) { $0.text(3, "brain.Event:2") }
    }

    /// What says that steps from this one on come again.
    static func start(time: Double, step: Int) -> EventRecord {
        event(time, step: step) { event in
            event.message(7) { $0.number(1, 1) }
        }
    }

    /// Numbers of a step.
    static func scalars(
        _ values: [(name: String, value: Double)],
        time: Double,
        step: Int
    ) -> EventRecord {
        event(time, step: step) { event in
            event.message(5) { summary in
                for (name, value) in values {
                    summary.message(1) { entry in
                        entry.text(1, name)
                        entry.fixed(2, 5, Float(value).bitPattern)
                    }
                }
            }
        }
    }

    /// A text, shown as Markdown.
    static func text(_ name: String, _ text: String, time: Double) -> EventRecord {
        event(time, step: 0) { event in
            event.message(5) { summary in
                summary.message(1) { entry in
                    entry.text(1, name + "/text_summary")
                    entry.message(8) { tensor in
                        let strings = 7
                        tensor.number(1, strings)
                        tensor.message(2) { $0.message(2) { $0.number(1, 1) } }
                        tensor.text(8, text)
                    }
                    entry.message(9) { $0.message(1) { $0.text(1, "text") } }
                }
            }
        }
    }

    /// The record as a TFRecord file has it: length and bytes, each with its checksum.
    var framed: [UInt8] {
        let length = Self.littleEndian(UInt64(bytes.count))
        return length + Self.littleEndian(CRC32C.masked(length)) + bytes
            + Self.littleEndian(CRC32C.masked(bytes))
    }

    private static func event(
        _ time: Double,
        step: Int,
        _ body: (inout EventRecord) -> Void
    ) -> EventRecord {
        var event = EventRecord()
        event.fixed(1, 1, time.bitPattern)
        if step != 0 { event.number(2, step) }
        body(&event)
        return event
    }

    private mutating func varint(_ value: UInt64) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(value))
    }

    private mutating func number(_ field: Int, _ value: Int) {
        varint(UInt64(field << 3))
        varint(UInt64(bitPattern: Int64(value)))
    }

    private mutating func fixed(_ field: Int, _ kind: Int, _ bits: some FixedWidthInteger) {
        varint(UInt64(field << 3 | kind))
        bytes += Self.littleEndian(bits)
    }

    private mutating func text(_ field: Int, _ text: String) {
        varint(UInt64(field << 3 | 2))
        varint(UInt64(text.utf8.count))
        bytes += text.utf8
    }

    private mutating func message(_ field: Int, _ body: (inout EventRecord) -> Void) {
        var inner = EventRecord()
        body(&inner)
        varint(UInt64(field << 3 | 2))
        varint(UInt64(inner.bytes.count))
        bytes += inner.bytes
    }

    private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}
