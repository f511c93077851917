/// Turns bytes that arrive piecemeal into text, as soon as it is certain.
///
/// What cannot become UTF-8 turns into U+FFFD, one for each maximal subpart.
struct UTF8Assembler: Sendable {
    /// The beginning of a scalar, at most three bytes.
    private var pending: [UInt8] = []

    /// Appends the text that becomes certain with `bytes`.
    mutating func push(_ bytes: some Sequence<UInt8>, to output: inout [UInt8]) {
        for byte in bytes {
            if pending.isEmpty, byte < 0x80 {
                output.append(byte)
                continue
            }
            switch Self.verdict(pending, byte) {
            case .complete:
                output += pending
                output.append(byte)
                pending.removeAll(keepingCapacity: true)
            case .incomplete: pending.append(byte)
            case .malformed:
                if !pending.isEmpty {
                    output.append("\u{FFFD}")
                    pending.removeAll(keepingCapacity: true)
                }
                // The byte may begin a scalar of its own.
                switch Self.verdict([], byte) {
                case .complete: output.append(byte)
                case .incomplete: pending.append(byte)
                case .malformed: output.append("\u{FFFD}")
                }
            }
        }
    }

    /// Appends what stands for bytes that never became a scalar.
    mutating func flush(to output: inout [UInt8]) {
        if !pending.isEmpty { output.append("\u{FFFD}") }
        pending = []
    }

    /// What a byte makes of the bytes before it.
    enum Verdict { case complete, incomplete, malformed }

    /// Table 3-7 of the Unicode standard: which byte may follow which.
    static func verdict(_ pending: [UInt8], _ byte: UInt8) -> Verdict {
        guard let lead = pending.first else {
            switch byte {
            case 0..<0x80: return .complete
            case 0xC2...0xF4: return .incomplete
            default: return .malformed
            }
        }
        let allowed: ClosedRange<UInt8> =
            if pending.count > 1 {
                0x80...0xBF
            } else {
                switch lead {
                case 0xE0: 0xA0...0xBF
                case 0xED: 0x80...0x9F
                case 0xF0: 0x90...0xBF
                case 0xF4: 0x80...0x8F
                default: 0x80...0xBF
                }
            }
        guard allowed.contains(byte) else { return .malformed }
        let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
        return pending.count + 1 == length ? .complete : .incomplete
    }
}
