/// The states of all terminals that may be under way together, made as texts meet them.
///
/// State 0 is dead: nothing matches from there.
final class LexerStates {
    struct Part: Hashable {
        var terminal: Int32
        var regex: RegexID
    }

    private let arena: RegexArena
    private var parts: [Part] = []
    private var bounds: [Int32] = [0]
    private var table = InternTable()
    private var acceptIDs: [[Int32]: Int32] = [:]
    /// Sets of terminals that are complete; the first is empty.
    private(set) var accepts: [[Int32]] = [[]]
    /// 256 successors of each state; -1 is not known yet.
    private(set) var successors: UnsafeMutablePointer<Int32>
    /// Which terminals are complete in each state, as an index into `accepts`.
    private(set) var accepted: UnsafeMutablePointer<Int32>
    /// Whether a state has no successors.
    private(set) var isClosed: UnsafeMutablePointer<Bool>
    private var capacity = 64
    private(set) var count = 0

    /// 1 kB each.
    private static let limit = 24_000
    /// Terminals of all states together; 8 bytes each.
    private static let partLimit = 3_000_000
    /// Whether it is time to begin anew.
    var isFull: Bool { count > Self.limit / 2 || parts.count > Self.partLimit / 2 }

    /// About how many bytes its states take.
    var heldBytes: Int { capacity << 10 + parts.count * MemoryLayout<Part>.stride }

    init(arena: RegexArena) {
        self.arena = arena
        successors = .allocate(capacity: capacity * 256)
        accepted = .allocate(capacity: capacity)
        isClosed = .allocate(capacity: capacity)
        _ = state([])
    }

    deinit {
        successors.deallocate()
        accepted.deallocate()
        isClosed.deallocate()
    }

    /// The terminals of a state and what is left of each.
    func parts(of state: Int32) -> ArraySlice<Part> {
        parts[Int(bounds[Int(state)])..<Int(bounds[Int(state) + 1])]
    }

    /// The state with these parts.
    func state(_ wanted: [Part]) -> Int32 {
        var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
        for part in wanted {
            let word =
                UInt64(UInt32(bitPattern: part.terminal)) << 32
                | UInt64(UInt32(bitPattern: part.regex))
            hash = (hash ^ word) &* 0xFF51_AFD7_ED55_8CCD
            hash ^= hash >> 29
        }
        let short = UInt32(truncatingIfNeeded: hash)
        if let known = table.find(hash: short, { parts(of: $0).elementsEqual(wanted) }) {
            return known
        }
        guard count < Self.limit, parts.count < Self.partLimit else {
            arena.exhaust()
            return 0
        }
        if count == capacity { grow() }
        let id = Int32(count)
        (successors + count * 256).initialize(repeating: -1, count: 256)
        var complete: [Int32] = []
        var isClosed = true
        for part in wanted {
            if arena.isNullable(part.regex) { complete.append(part.terminal) }
            if part.regex != RegexArena.epsilon { isClosed = false }
        }
        accepted[count] = acceptID(complete)
        self.isClosed[count] = isClosed
        parts += wanted
        bounds.append(Int32(clamping: parts.count))
        table.insert(id, hash: short)
        count += 1
        return id
    }

    private func acceptID(_ terminals: [Int32]) -> Int32 {
        guard !terminals.isEmpty else { return 0 }
        if let known = acceptIDs[terminals] { return known }
        let id = Int32(clamping: accepts.count)
        accepts.append(terminals)
        acceptIDs[terminals] = id
        return id
    }

    private func grow() {
        func grown<T>(_ old: UnsafeMutablePointer<T>, _ scale: Int) -> UnsafeMutablePointer<T> {
            let new = UnsafeMutablePointer<T>.allocate(capacity: capacity * 2 * scale)
            new.moveInitialize(from: old, count: count * scale)
            old.deallocate()
            return new
        }
        successors = grown(successors, 256)
        accepted = grown(accepted, 1)
        isClosed = grown(isClosed, 1)
        capacity *= 2
    }

    /// The state after one more byte.
    @inline(__always)
    func successor(_ state: Int32, _ byte: UInt8) -> Int32 {
        let known = successors[Int(state) << 8 | Int(byte)]
        return known >= 0 ? known : makeSuccessor(state, byte)
    }

    private func makeSuccessor(_ state: Int32, _ byte: UInt8) -> Int32 {
        var same = ByteSet.all
        var next: [Part] = []
        for part in parts(of: state) {
            let rest = arena.derivative(part.regex, byte, same: &same)
            if rest != RegexArena.empty, arena.isLive(rest) {
                next.append(Part(terminal: part.terminal, regex: rest))
            }
        }
        // After a limit was met, results are not to be kept.
        guard !arena.isExhausted else { return 0 }
        let result = next.isEmpty ? 0 : self.state(next)
        let row = successors + Int(state) << 8
        same.forEach { row[Int($0)] = result }
        row[Int(byte)] = result
        return result
    }

    /// The bytes that may follow in a state.
    func nextBytes(_ state: Int32) -> ByteSet {
        var bytes = ByteSet()
        for byte in UInt8.min...UInt8.max where successor(state, byte) > 0 { bytes.insert(byte) }
        return bytes
    }

    /// How many plain scalars may follow for certain, whichever they are.
    func plainReach(_ state: Int32) -> Int {
        parts(of: state).reduce(0) { max($0, arena.plainReach($1.regex)) }
    }
}
