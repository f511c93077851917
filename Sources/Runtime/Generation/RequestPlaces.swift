import Synchronization

/// Places for choices that wait or are being answered, shared among tenants.
///
/// One tenant has at most `limit` of them, and no more than it leaves to others (dynamic thresholds,
/// Choudhury and Hahne 1998): however many requests a few tenants send, the next one still gets in.
final class RequestPlaces: Sendable {
    private struct State {
        var total = 0
        var taken: [String: Int] = [:]  // by tenant; none that has nothing
    }

    private let limit: Int
    private let maxWaiting: Int
    private let state = Mutex(State())

    init(_ limits: SchedulerLimits) {
        limit = limits.maxBatch + limits.maxWaiting
        maxWaiting = limits.maxWaiting
    }

    /// Places for the choices of one request; they are given back when the result goes.
    ///
    /// - Throws: `EngineError.queueFull`.
    func take(_ count: Int, tenant: String) throws(EngineError) -> RequestPlace {
        let isTaken = state.withLock { state in
            let taken = state.taken[tenant, default: 0]
            let free = 2 * limit - state.total
            // Who has nothing may always begin, also with more choices than fit.
            guard taken + count <= min(limit, free) || (taken == 0 && free > 0) else {
                return false
            }
            state.total += count
            state.taken[tenant] = taken + count
            return true
        }
        guard isTaken else { throw .queueFull(limit: maxWaiting) }
        return RequestPlace(of: self, count: count, tenant: tenant)
    }

    fileprivate func giveBack(_ count: Int, tenant: String) {
        state.withLock { state in
            state.total -= count
            let left = state.taken[tenant, default: 0] - count
            state.taken[tenant] = left > 0 ? left : nil
        }
    }
}

/// The places of one request, taken as long as this lives.
package final class RequestPlace: Sendable {
    private let places: RequestPlaces
    private let count: Int
    private let tenant: String

    fileprivate init(of places: RequestPlaces, count: Int, tenant: String) {
        self.places = places
        self.count = count
        self.tenant = tenant
    }

    deinit { places.giveBack(count, tenant: tenant) }
}
