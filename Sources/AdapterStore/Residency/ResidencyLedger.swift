/// Who may be in memory: the decisions of the adapter cache, without any memory.
///
/// Bytes are reserved before a load starts, the least recently used contents without a pin make
/// room, and requests for which there is no room wait in the order they came. A request asks for
/// all it needs at once, so two mixes never wait for each other's halves.
struct ResidencyLedger: Sendable {
    /// What is to be done after a decision, in order.
    enum Action: Sendable, Equatable {
        case load(String)
        case evict(String)
        case grant(Int)
        case fail(Int, AdapterStoreError)
    }

    struct Entry: Sendable, Equatable {
        var bytes: Int
        var isLoaded: Bool
        var pins: Int
        var lastUse: Int
    }

    struct Request: Sendable, Equatable {
        let id: Int
        let contents: [Content]
        /// Pinned contents still being read.
        var loading: Set<String> = []
    }

    /// A content and what it takes; the name is for messages.
    struct Content: Sendable, Equatable {
        let hash: String
        let bytes: Int
        let name: String
    }

    let budget: Int
    private(set) var used = 0
    private(set) var entries: [String: Entry] = [:]
    /// Admitted requests that wait for a load, by id.
    private(set) var admitted: [Int: Request] = [:]
    /// Requests that wait for room, the oldest first.
    private(set) var waiting: [Request] = []
    private var clock = 0

    init(budget: Int) {
        self.budget = budget
    }

    /// Someone needs these contents, each named once, until released.
    mutating func request(_ id: Int, _ contents: [Content]) -> [Action] {
        let total = contents.reduce(0) { $0.addingReportingOverflow($1.bytes).partialValue }
        if let largest = contents.max(by: { $0.bytes < $1.bytes }),
            total > budget || largest.bytes > budget || total < 0
        {
            return [
                .fail(id, .overBudget(name: largest.name, bytes: max(0, total), budget: budget))
            ]
        }
        let request = Request(id: id, contents: contents)
        let needsRoom = contents.contains { entries[$0.hash] == nil }
        if needsRoom, !waiting.isEmpty || !fits(request) {
            waiting.append(request)
            return []
        }
        return admit(request)
    }

    /// Someone will need this content soon; loads it if there is room without waiting.
    mutating func prefetch(_ content: Content) -> [Action] {
        guard entries[content.hash] == nil, waiting.isEmpty, content.bytes <= budget else {
            return []
        }
        let request = Request(id: -1, contents: [content])
        guard fits(request) else { return [] }
        return makeRoom(for: content.bytes, keeping: []) + [start(content)]
    }

    /// A content came into being in memory; false where there is no room for it without waiting.
    mutating func adopt(_ content: Content) -> (isTaken: Bool, actions: [Action]) {
        guard entries[content.hash] == nil, waiting.isEmpty, content.bytes <= budget,
            fits(Request(id: -1, contents: [content]))
        else { return (false, []) }
        let actions = makeRoom(for: content.bytes, keeping: [])
        _ = start(content)
        entries[content.hash]?.isLoaded = true
        return (true, actions)
    }

    /// A load has ended well; `bytes` is what it really took.
    mutating func loaded(_ hash: String, bytes: Int) -> [Action] {
        guard var entry = entries[hash] else { return [] }
        used += bytes - entry.bytes
        entry.bytes = bytes
        entry.isLoaded = true
        entries[hash] = entry
        var actions = makeRoom(for: 0, keeping: [hash])
        for id in admitted.keys.sorted() {
            guard admitted[id]?.loading.remove(hash) != nil else { continue }
            if admitted[id]?.loading.isEmpty == true {
                admitted[id] = nil
                actions.append(.grant(id))
            }
        }
        return actions + admitWaiting()
    }

    /// A load has failed; those who wait for it hear why, and the next request tries again.
    mutating func failed(_ hash: String, _ error: AdapterStoreError) -> [Action] {
        guard let entry = entries.removeValue(forKey: hash) else { return [] }
        used -= entry.bytes
        var actions: [Action] = []
        for id in admitted.keys.sorted() {
            guard let request = admitted[id], request.loading.contains(hash) else { continue }
            admitted[id] = nil
            unpin(request.contents.map(\.hash))
            actions.append(.fail(id, error))
        }
        return actions + admitWaiting()
    }

    /// A granted request needs its contents no more.
    mutating func release(_ hashes: [String]) -> [Action] {
        unpin(hashes)
        return admitWaiting()
    }

    /// A request that was not granted yet is not wanted any more.
    mutating func cancel(_ id: Int) -> [Action] {
        if let index = waiting.firstIndex(where: { $0.id == id }) {
            waiting.remove(at: index)
            return [.fail(id, .cancelled)] + admitWaiting()
        }
        guard let request = admitted.removeValue(forKey: id) else { return [] }
        unpin(request.contents.map(\.hash))
        return [.fail(id, .cancelled)] + admitWaiting()
    }

    /// Nothing means the content any more: it goes if nobody uses it.
    mutating func forget(_ hash: String) -> [Action] {
        guard let entry = entries[hash], entry.isLoaded, entry.pins == 0 else { return [] }
        return [evict(hash)] + admitWaiting()
    }
}

extension ResidencyLedger {
    private mutating func admitWaiting() -> [Action] {
        var actions: [Action] = []
        while let first = waiting.first, fits(first) {
            waiting.removeFirst()
            actions += admit(first)
        }
        return actions
    }

    private mutating func admit(_ request: Request) -> [Action] {
        let missing = request.contents.filter { entries[$0.hash] == nil }
        var actions = makeRoom(
            for: missing.reduce(0) { $0 + $1.bytes },
            keeping: Set(request.contents.map(\.hash))
        )
        for content in missing { actions.append(start(content)) }
        var request = request
        for content in request.contents {
            guard var entry = entries[content.hash] else { continue }
            clock += 1
            entry.pins += 1
            entry.lastUse = clock
            entries[content.hash] = entry
            if !entry.isLoaded { request.loading.insert(content.hash) }
        }
        if request.loading.isEmpty { return actions + [.grant(request.id)] }
        admitted[request.id] = request
        return actions
    }

    private mutating func start(_ content: Content) -> Action {
        clock += 1
        used += content.bytes
        entries[content.hash] = Entry(
            bytes: content.bytes,
            isLoaded: false,
            pins: 0,
            lastUse: clock
        )
        return .load(content.hash)
    }

    /// Whether everything missing has room once all that is idle is gone.
    private func fits(_ request: Request) -> Bool {
        let needed = Set(request.contents.map(\.hash))
        let missing = request.contents.reduce(0) {
            entries[$1.hash] == nil ? $0 + $1.bytes : $0
        }
        let idle = entries.reduce(0) {
            isIdle($1.value) && !needed.contains($1.key) ? $0 + $1.value.bytes : $0
        }
        return missing == 0 || used - idle + missing <= budget
    }

    private mutating func makeRoom(for bytes: Int, keeping kept: Set<String>) -> [Action] {
        guard used + bytes > budget else { return [] }
        let idle = entries.filter { isIdle($0.value) && !kept.contains($0.key) }
            .sorted { $0.value.lastUse < $1.value.lastUse }
        var actions: [Action] = []
        for entry in idle where used + bytes > budget { actions.append(evict(entry.key)) }
        return actions
    }

    private mutating func evict(_ hash: String) -> Action {
        used -= entries.removeValue(forKey: hash)?.bytes ?? 0
        return .evict(hash)
    }

    private mutating func unpin(_ hashes: [String]) {
        for hash in hashes { entries[hash]?.pins -= 1 }
    }

    private func isIdle(_ entry: Entry) -> Bool { entry.isLoaded && entry.pins == 0 }
}
