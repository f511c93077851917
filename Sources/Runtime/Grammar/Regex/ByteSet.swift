/// A set of bytes, as 256 bits.
struct ByteSet: Hashable, Sendable {
    private(set) var words: SIMD4<UInt64>

    init() { words = .zero }

    private init(words: SIMD4<UInt64>) { self.words = words }

    init(_ byte: UInt8) {
        self.init()
        insert(byte)
    }

    init(_ range: ClosedRange<UInt8>) {
        self.init()
        for byte in range { insert(byte) }
    }

    static let all = ByteSet(words: SIMD4(repeating: .max))

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        words[Int(byte >> 6)] >> UInt64(byte & 63) & 1 != 0
    }

    mutating func insert(_ byte: UInt8) { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }

    mutating func remove(_ byte: UInt8) { words[Int(byte >> 6)] &= ~(1 << UInt64(byte & 63)) }

    @inline(__always)
    func union(_ other: ByteSet) -> ByteSet { ByteSet(words: words | other.words) }

    @inline(__always)
    func intersection(_ other: ByteSet) -> ByteSet { ByteSet(words: words & other.words) }

    @inline(__always)
    func subtracting(_ other: ByteSet) -> ByteSet { ByteSet(words: words & ~other.words) }

    var isEmpty: Bool { words == .zero }

    var count: Int {
        (0..<4).reduce(0) { $0 + words[$1].nonzeroBitCount }
    }

    /// The only byte, or `nil` where there are none or several.
    var only: UInt8? { count == 1 ? first : nil }

    /// The lowest byte.
    var first: UInt8? {
        for word in 0..<4 where words[word] != 0 {
            return UInt8(truncatingIfNeeded: word * 64 + words[word].trailingZeroBitCount)
        }
        return nil
    }

    @inline(__always)
    func forEach(_ body: (UInt8) -> Void) {
        for word in 0..<4 {
            var bits = words[word]
            while bits != 0 {
                body(UInt8(truncatingIfNeeded: word * 64 + bits.trailingZeroBitCount))
                bits &= bits &- 1
            }
        }
    }
}
