import Synchronization

/// The events of one request.
///
/// It ends when every choice has ended or was stopped. Nothing comes of a choice after either.
public struct GenerationStream: AsyncSequence, Sendable {
    private let events: AsyncStream<GenerationEvent>
    private let stopChoice: @Sendable (Int) -> Void
    private let open: OpenChoices

    /// A stream over `events`; `stop` is what ends one of its choices.
    public init(
        _ events: AsyncStream<GenerationEvent>,
        choices: Int,
        stop: @escaping @Sendable (_ choice: Int) -> Void
    ) {
        self.events = events
        self.stopChoice = stop
        open = OpenChoices(choices)
    }

    /// Ends one choice, because its text met a stop string, while the others go on.
    public func stop(choice: Int) {
        if open.close(choice) { stopChoice(choice) }
    }

    /// Whether every choice has ended or was stopped.
    public var isComplete: Bool { open.isEmpty }

    /// The events, one by one.
    public func makeAsyncIterator() -> Iterator {
        Iterator(events: events.makeAsyncIterator(), open: open)
    }

    /// Leaves out what comes of choices that are not open.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate var events: AsyncStream<GenerationEvent>.Iterator
        fileprivate let open: OpenChoices

        /// The next event, or `nil` when no choice is open any more.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async -> GenerationEvent? {
            while !open.isEmpty, let event = await events.next(isolation: actor) {
                switch event {
                case .token(let choice, _) where !open.contains(choice): continue
                case .finished(let choice, _, _) where !open.close(choice): continue
                default: return event
                }
            }
            return nil
        }
    }
}

/// Which choices of a request go on, as the one who listens sees it.
private final class OpenChoices: Sendable {
    private let state: Mutex<(isOpen: [Bool], count: Int)>

    init(_ count: Int) {
        state = Mutex((Array(repeating: true, count: count), count))
    }

    var isEmpty: Bool { state.withLock { $0.count == 0 } }

    func contains(_ choice: Int) -> Bool {
        state.withLock { $0.isOpen.indices.contains(choice) && $0.isOpen[choice] }
    }

    /// Closes a choice; `false` where it was not open.
    func close(_ choice: Int) -> Bool {
        state.withLock { state in
            guard state.isOpen.indices.contains(choice), state.isOpen[choice] else { return false }
            state.isOpen[choice] = false
            state.count -= 1
            return true
        }
    }
}
