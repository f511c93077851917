/// A run of byte tokens, `<0xE4><0xBD><0xA0>`, on its way to becoming text.
struct ByteRun: Sendable {
    /// When a run counts.
    enum Policy: Sendable {
        /// As the reference decodes: the whole run is UTF-8, or every byte of it is a U+FFFD.
        case whole
        /// As text is streamed: a scalar is printed with its last byte. Should the run turn out
        /// malformed later, only what has not been printed becomes U+FFFD.
        case eager
    }

    let policy: Policy
    private var bytes: [UInt8] = []
    private var isMalformed = false

    init(policy: Policy) { self.policy = policy }

    /// Adds a byte; returns the text that becomes certain.
    mutating func push(_ byte: UInt8) -> [[UInt8]] {
        guard policy == .eager else {
            bytes.append(byte)
            return []
        }
        if isMalformed { return [Self.replacement] }
        switch UTF8Assembler.verdict(bytes, byte) {
        case .incomplete:
            bytes.append(byte)
            return []
        case .complete:
            defer { bytes = [] }
            return [bytes + [byte]]
        case .malformed:
            defer { bytes = [] }
            isMalformed = true
            return Array(repeating: Self.replacement, count: bytes.count + 1)
        }
    }

    /// Ends the run; returns what is left of it.
    mutating func end() -> [[UInt8]] {
        defer {
            bytes = []
            isMalformed = false
        }
        guard !bytes.isEmpty else { return [] }
        if policy == .whole, String(validating: bytes, as: UTF8.self) != nil { return [bytes] }
        return Array(repeating: Self.replacement, count: bytes.count)
    }

    private static let replacement = Array("\u{FFFD}".utf8)
}
