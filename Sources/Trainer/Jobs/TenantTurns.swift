import Storage

/// Whose job comes next: tenants take turns, so that one with many jobs does not keep another's
/// first waiting.
struct TenantTurns {
    private var lastTurn: [TenantID: Int] = [:]
    private var turn = 0

    /// Takes the next job: of the tenant with the fewest at work, then of the one whose last turn
    /// is longest ago, the oldest.
    /// - Parameters:
    ///   - waiting: Oldest first.
    ///   - busy: The tenant of each job at work.
    mutating func next(_ waiting: [FineTuningJob], busy: [TenantID]) -> FineTuningJob? {
        let job = waiting.enumerated().min { left, right in
            rank(left, busy) < rank(right, busy)
        }?.element
        guard let job else { return nil }
        turn += 1
        lastTurn[job.tenant] = turn
        return job
    }

    private func rank(
        _ waiting: (offset: Int, element: FineTuningJob),
        _ busy: [TenantID]
    ) -> (Int, Int, Int) {
        let tenant = waiting.element.tenant
        return (busy.count { $0 == tenant }, lastTurn[tenant] ?? 0, waiting.offset)
    }
}
