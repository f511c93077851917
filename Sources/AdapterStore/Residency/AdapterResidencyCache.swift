import Synchronization
import InferenceRuntime

/// Contents in memory under a byte budget, each loaded once however many ask for it.
///
/// Decisions are the ledger's; this carries them out: loads on threads of their own, hands values
/// to whoever waits, and lets evicted values go away from the caller's thread.
final class AdapterResidencyCache<Value: Sendable>: Sendable {
    /// Reads a content and tells what it takes in memory.
    typealias Loader =
        @Sendable (AdapterGeneration) throws(AdapterStoreError) -> (value: Value, bytes: Int)

    private typealias Waiter = CheckedContinuation<Result<[Value], AdapterStoreError>, Never>

    private struct State {
        var ledger: ResidencyLedger
        var values: [String: Value] = [:]
        /// What is being loaded or waits for it.
        var generations: [String: AdapterGeneration] = [:]
        var waiters: [Int: (continuation: Waiter, hashes: [String])] = [:]
        var nextRequest = 0
    }

    private let state: Mutex<State>
    private let threads: WorkerPool
    private let load: Loader

    init(budget: Int, threads: WorkerPool, load: @escaping Loader) {
        self.state = Mutex(State(ledger: ResidencyLedger(budget: budget)))
        self.threads = threads
        self.load = load
    }

    /// Pins all the contents, loading what is missing; the values come in the order asked.
    ///
    /// A generation asked for twice is pinned once.
    func pin(
        _ generations: [AdapterGeneration]
    ) async throws(AdapterStoreError) -> ResidencyPin<Value> {
        let id = state.withLock { state in
            state.nextRequest += 1
            return state.nextRequest
        }
        var hashes: [String] = []
        for generation in generations where !hashes.contains(generation.hash) {
            hashes.append(generation.hash)
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                start(id, generations, hashes: hashes, continuation)
            }
        } onCancel: {
            perform { $0.ledger.cancel(id) }
        }
        let byHash = Dictionary(uniqueKeysWithValues: zip(hashes, try result.get()))
        return ResidencyPin(
            values: generations.compactMap { byHash[$0.hash] },
            hashes: hashes,
            cache: self
        )
    }

    /// Loads a content ahead of its request where there is room.
    func prefetch(_ generation: AdapterGeneration) {
        perform(about: [generation]) { $0.ledger.prefetch(generation.content) }
    }

    /// Keeps a value that was made in memory, if there is room: what was just published answers
    /// without being read again.
    func adopt(_ value: Value, of generation: AdapterGeneration) {
        perform { state in
            let (isTaken, actions) = state.ledger.adopt(generation.content)
            if isTaken { state.values[generation.hash] = value }
            return actions
        }
    }

    /// Drops a content nothing means any more, now or never.
    func forget(_ hash: String) {
        perform { $0.ledger.forget(hash) }
    }

    /// What is known of a content's memory.
    func status(of hash: String) -> (isResident: Bool, pins: Int) {
        state.withLock { state in
            let entry = state.ledger.entries[hash]
            return (entry?.isLoaded ?? false, entry?.pins ?? 0)
        }
    }

    /// Sums over all contents.
    var totals: (usedBytes: Int, budget: Int, resident: Int, loading: Int, pins: Int, waiting: Int)
    {
        state.withLock { state in
            let entries = state.ledger.entries.values
            let resident = entries.count { $0.isLoaded }
            return (
                state.ledger.used, state.ledger.budget, resident, entries.count - resident,
                entries.reduce(0) { $0 + $1.pins }, state.ledger.waiting.count
            )
        }
    }

    fileprivate func release(_ hashes: [String]) {
        perform { $0.ledger.release(hashes) }
    }

    private func start(
        _ id: Int,
        _ generations: [AdapterGeneration],
        hashes: [String],
        _ continuation: Waiter
    ) {
        var contents: [ResidencyLedger.Content] = []
        for generation in generations
        where !contents.contains(where: { $0.hash == generation.hash }) {
            contents.append(generation.content)
        }
        state.withLock { $0.waiters[id] = (continuation, hashes) }
        perform(about: generations) { $0.ledger.request(id, contents) }
        // A cancellation that came before the waiter was there found nothing to cancel.
        if Task.isCancelled { perform { $0.ledger.cancel(id) } }
    }

    private func perform(
        about generations: [AdapterGeneration] = [],
        _ decide: (inout State) -> [ResidencyLedger.Action]
    ) {
        var evicted: [Value] = []
        var loads: [AdapterGeneration] = []
        var resumptions: [(Waiter, Result<[Value], AdapterStoreError>)] = []
        state.withLock { state in
            for generation in generations { state.generations[generation.hash] = generation }
            for action in decide(&state) {
                switch action {
                case .load(let hash):
                    if let generation = state.generations[hash] { loads.append(generation) }
                case .evict(let hash):
                    if let value = state.values.removeValue(forKey: hash) { evicted.append(value) }
                case .grant(let id):
                    guard let waiter = state.waiters.removeValue(forKey: id) else { continue }
                    let values = waiter.hashes.compactMap { state.values[$0] }
                    resumptions.append((waiter.continuation, .success(values)))
                case .fail(let id, let error):
                    guard let waiter = state.waiters.removeValue(forKey: id) else { continue }
                    resumptions.append((waiter.continuation, .failure(error)))
                }
            }
            Self.forgetUnused(&state)
        }
        for generation in loads { threads.submit { self.read(generation) } }
        for (waiter, result) in resumptions { waiter.resume(returning: result) }
        if !evicted.isEmpty {
            // Giving large buffers back to the system takes time; not the caller's.
            threads.submit { [evicted] in _ = evicted }
        }
    }

    private static func forgetUnused(_ state: inout State) {
        guard state.generations.count > 2 * state.ledger.entries.count + 64 else { return }
        let waiting = Set(state.ledger.waiting.flatMap { $0.contents.map(\.hash) })
        state.generations = state.generations.filter {
            state.ledger.entries[$0.key] != nil || waiting.contains($0.key)
        }
    }

    private func read(_ generation: AdapterGeneration) {
        let hash = generation.hash
        do throws(AdapterStoreError) {
            let (value, bytes) = try load(generation)
            perform { state in
                state.values[hash] = value
                return state.ledger.loaded(hash, bytes: bytes)
            }
        } catch {
            perform { $0.ledger.failed(hash, error) }
        }
    }
}

/// Keeps contents in memory until it is let go.
final class ResidencyPin<Value: Sendable>: Sendable {
    let values: [Value]
    private let hashes: [String]
    private let cache: AdapterResidencyCache<Value>

    fileprivate init(values: [Value], hashes: [String], cache: AdapterResidencyCache<Value>) {
        self.values = values
        self.hashes = hashes
        self.cache = cache
    }

    deinit {
        cache.release(hashes)
    }
}

extension AdapterGeneration {
    fileprivate var content: ResidencyLedger.Content {
        ResidencyLedger.Content(hash: hash, bytes: residentBytes, name: name)
    }
}
