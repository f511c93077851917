import Synchronization

/// The bytes that a process may take, and what took them: one budget for weights, cache, adapters,
/// jobs and buffers.
///
/// What stays for good has its allotment from the start; what comes and goes is reserved before it is
/// allocated and given back when its reservation ends. Reservations of a use never exceed its allotment, and
/// allotments together never exceed the total, so that no mixture of loads can.
public final class MemoryLedger: Sendable {
    /// What memory is for.
    public enum Use: String, Sendable, CaseIterable {
        /// The base's weights.
        case weights
        /// Activations, logits and samplers of the largest step.
        case workspace
        /// Keys and values.
        case cache
        /// Adapters in memory.
        case adapters
        /// Fine-tuning jobs: tape, gradients, optimizer, workspaces, order of the data.
        case training
        /// Requests: their bodies, and the answers that are collected for them.
        case requests
        /// Everything else: code, sockets, tokenizer, database.
        case buffers
    }

    /// Bytes for everything.
    public let total: Int
    private let allotments: [Use: Int]
    private let reserved = Mutex<[Use: Int]>([:])

    /// A ledger whose allotments fit into its total.
    public init(total: Int, allotments: [Use: Int]) {
        precondition(
            allotments.values.reduce(0, +) <= total && allotments.values.allSatisfy { $0 >= 0 },
            "allotments within the total"
        )
        self.total = total
        self.allotments = allotments
    }

    /// The most bytes a use may take.
    public func allotment(of use: Use) -> Int { allotments[use] ?? 0 }

    /// The bytes a use has reserved.
    public func reserved(by use: Use) -> Int { reserved.withLock { $0[use] ?? 0 } }

    /// Reserves bytes, if the use has so many left.
    public func reserve(_ bytes: Int, for use: Use) -> MemoryReservation? {
        take(bytes, for: use) ? MemoryReservation(ledger: self, use: use, bytes: bytes) : nil
    }

    /// Takes bytes, if the use has so many left; who takes them gives them back.
    package func take(_ bytes: Int, for use: Use) -> Bool {
        reserved.withLock { reserved in
            let taken = reserved[use] ?? 0
            guard bytes >= 0, bytes <= allotment(of: use) - taken else { return false }
            reserved[use] = taken + bytes
            return true
        }
    }

    /// Gives back bytes that were taken.
    package func giveBack(_ bytes: Int, for use: Use) {
        reserved.withLock { $0[use, default: 0] -= bytes }
    }
}

/// Bytes of a ledger, given back when the last reference goes.
public final class MemoryReservation: Sendable {
    private let ledger: MemoryLedger
    private let use: MemoryLedger.Use
    /// How many.
    public let bytes: Int

    init(ledger: MemoryLedger, use: MemoryLedger.Use, bytes: Int) {
        self.ledger = ledger
        self.use = use
        self.bytes = bytes
    }

    deinit { ledger.giveBack(bytes, for: use) }
}
