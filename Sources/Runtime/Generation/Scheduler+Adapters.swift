extension Scheduler {
    /// The content ids of adapters whose requests run, and of those whose requests wait; sorted.
    func adapters() -> (running: [String], waiting: [String]) {
        var running: Set<String> = []
        var waiting: Set<String> = []
        for request in requests.values where !request.adapters.isEmpty {
            let names = request.adapters.entries.map(\.adapter.id.description)
            let runs = request.sequences.contains { slots[$0.slot].phase != .waiting }
            if runs { running.formUnion(names) } else { waiting.formUnion(names) }
        }
        return (running.sorted(), waiting.sorted())
    }
}
