/// Whose work comes next: tenants take turns, so that one with much of it does not keep another's
/// first piece waiting.
package struct TenantTurns: Sendable {
    private var lastTurn: [TenantID: Int] = [:]
    private var turn = 0

    /// Nobody has had a turn.
    package init() {}

    /// Takes the next piece of work: of the tenant with the fewest at work, then of the one whose last
    /// turn is longest ago, the oldest.
    /// - Parameters:
    ///   - waiting: Oldest first.
    ///   - busy: The tenant of each piece at work.
    ///   - tenant: Whose a piece of work is.
    package mutating func next<Work>(
        _ waiting: [Work],
        busy: [TenantID],
        of tenant: (Work) -> TenantID
    ) -> Work? {
        let ranks = waiting.enumerated().map { place, work in
            let owner = tenant(work)
            return (busy.count { $0 == owner }, lastTurn[owner] ?? 0, place)
        }
        guard let next = ranks.min(by: <) else { return nil }
        let work = waiting[next.2]
        turn += 1
        lastTurn[tenant(work)] = turn
        return work
    }
}
