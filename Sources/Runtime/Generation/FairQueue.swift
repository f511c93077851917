import DequeModule

/// The waiting sequences and their order: a virtual token counter per tenant and, within a tenant,
/// per set of adapters (Sheng and others 2024, "Fairness in Serving Large Language Models").
///
/// Every computed token is charged to a lane and to its tenant. The tenant with the smallest
/// counter among those that wait goes first, then its lane with the smallest counter, then the
/// sequence that came first. A tenant or lane that was idle starts no lower than those that are
/// active: idle time earns no credit, while debts stay.
struct FairQueue {
    /// A lane's place; valid while the lane has something waiting or running.
    typealias LaneID = Int

    /// One tenant's requests for one set of adapters.
    struct Lane {
        let key: Key
        let tenant: Int
        var share = Share()
        var queue: Deque<SequenceID> = []
    }

    struct Key: Hashable {
        let tenant: TenantKey
        let mix: Int
    }

    struct TenantKey: Hashable {
        let name: [UInt8]
        let isBackground: Bool
    }

    /// What a lane or tenant has used, and how many sequences it has at the moment.
    struct Share {
        var counter = 0  // virtual tokens
        var pending = 0  // of prompts that were admitted and are not read yet
        var waiting = 0
        var running = 0
        var isBackground = false
        var isActive: Bool { waiting > 0 || running > 0 }
        var claim: Int { counter + pending }
    }

    private(set) var lanes: [Lane] = []
    private(set) var tenants: [Share] = []
    private var laneIDs: [Key: LaneID] = [:]
    private var tenantIDs: [TenantKey: Int] = [:]
    private var tenantLanes: [Int] = []  // how many lanes a tenant has
    /// What a tenant starts with, by whether it is in the background.
    private var floors: [Bool: Int] = [:]
    private(set) var waitingCount = 0

    /// The lane of a tenant's requests for a set of adapters.
    mutating func lane(tenant: String, mix: Int, isBackground: Bool = false) -> LaneID {
        let name = TenantKey(name: Array(tenant.utf8), isBackground: isBackground)
        let key = Key(tenant: name, mix: mix)
        if let id = laneIDs[key] { return id }
        let id = placeForLane()
        let owner = tenantIDs[key.tenant] ?? placeForTenant()
        tenantIDs[key.tenant] = owner
        tenants[owner].isBackground = isBackground
        tenantLanes[owner] += 1
        laneIDs[key] = id
        let lane = Lane(key: key, tenant: owner)
        if id < lanes.count { lanes[id] = lane } else { lanes.append(lane) }
        return id
    }

    /// Puts a sequence last into its lane, or first where it had its turn already.
    mutating func enqueue(_ sequence: SequenceID, lane: LaneID, first: Bool) {
        activate(lane)
        if first {
            lanes[lane].queue.prepend(sequence)
        } else {
            lanes[lane].queue.append(sequence)
        }
        count(lane, waiting: 1)
    }

    /// The lane whose turn it is.
    var next: LaneID? {
        guard waitingCount > 0 else { return nil }
        var best: LaneID?
        for lane in lanes.indices where !lanes[lane].queue.isEmpty {
            if best.map({ precedes(lane, $0) }) ?? true { best = lane }
        }
        return best
    }

    /// Takes the first of a lane, to run.
    mutating func start(_ lane: LaneID) -> SequenceID? {
        guard let sequence = lanes[lane].queue.popFirst() else { return nil }
        count(lane, waiting: -1, running: 1)
        return sequence
    }

    /// A sequence that did not wait begins to run: a choice beside its first.
    mutating func startBeside(_ lane: LaneID) {
        count(lane, running: 1)
    }

    /// A running sequence ended or was preempted.
    mutating func stop(_ lane: LaneID) {
        count(lane, running: -1)
        settle(lane)
    }

    /// Takes a waiting sequence out.
    mutating func remove(_ sequence: SequenceID, lane: LaneID) {
        guard let place = lanes[lane].queue.firstIndex(of: sequence) else { return }
        lanes[lane].queue.remove(at: place)
        count(lane, waiting: -1)
        settle(lane)
    }

    /// Charges work to a lane and its tenant.
    mutating func charge(_ lane: LaneID, tokens: Int) {
        lanes[lane].share.counter += tokens
        tenants[lanes[lane].tenant].counter += tokens
    }

    /// Adds to the tokens of admitted prompts that a lane is yet to be charged for; a negative number
    /// takes off what has been charged now or will never be computed.
    mutating func expect(_ lane: LaneID, tokens: Int) {
        lanes[lane].share.pending += tokens
        tenants[lanes[lane].tenant].pending += tokens
    }

    /// What the tenant of a lane has used so far.
    func used(byTenantOf lane: LaneID) -> Int {
        tenants[lanes[lane].tenant].counter
    }

    /// Whether a lane's requests give way to others.
    func isBackground(_ lane: LaneID) -> Bool { tenants[lanes[lane].tenant].isBackground }

    /// Whether a lane is admitted before another: it is not in the background, its tenant has used
    /// less, admitted prompts included, or it has itself where both are the same tenant's.
    private func precedes(_ left: LaneID, _ right: LaneID) -> Bool {
        let (tenant, rival) = (lanes[left].tenant, lanes[right].tenant)
        if tenant != rival {
            guard isBackground(left) == isBackground(right) else { return isBackground(right) }
            let (claim, other) = (tenants[tenant].claim, tenants[rival].claim)
            return claim != other ? claim < other : tenant < rival
        }
        let (claim, other) = (lanes[left].share.claim, lanes[right].share.claim)
        return claim != other ? claim < other : left < right
    }
}

extension FairQueue {
    /// Lanes remembered for their debts.
    private static let remembered = 4096

    private mutating func count(_ lane: LaneID, waiting: Int = 0, running: Int = 0) {
        lanes[lane].share.waiting += waiting
        lanes[lane].share.running += running
        tenants[lanes[lane].tenant].waiting += waiting
        tenants[lanes[lane].tenant].running += running
        waitingCount += waiting
    }

    /// Lifts the counters of an idle tenant and lane to the least of the active ones.
    private mutating func activate(_ lane: LaneID) {
        let tenant = lanes[lane].tenant
        if !tenants[tenant].isActive {
            let isBackground = tenants[tenant].isBackground
            let peers = tenants.lazy.filter { $0.isActive && $0.isBackground == isBackground }
            let floor = max(floors[isBackground] ?? 0, peers.map(\.counter).min() ?? 0)
            floors[isBackground] = floor
            tenants[tenant].counter = max(tenants[tenant].counter, floor)
        }
        if !lanes[lane].share.isActive {
            let siblings = lanes.lazy.filter { $0.tenant == tenant && $0.share.isActive }
            let least = siblings.map(\.share.counter).min() ?? 0
            lanes[lane].share.counter = max(lanes[lane].share.counter, least)
        }
    }

    /// When the last one leaves, its counter is where the next one starts.
    private mutating func settle(_ lane: LaneID) {
        let tenant = tenants[lanes[lane].tenant]
        let isLast = !tenants.contains { $0.isActive && $0.isBackground == tenant.isBackground }
        guard isLast else { return }
        floors[tenant.isBackground] = max(floors[tenant.isBackground] ?? 0, tenant.counter)
    }

    /// A new place, or that of an idle lane where too many are remembered: its debt is forgotten.
    private mutating func placeForLane() -> LaneID {
        guard lanes.count >= Self.remembered,
            let idle = lanes.firstIndex(where: { !$0.share.isActive })
        else { return lanes.count }
        let owner = lanes[idle].tenant
        laneIDs[lanes[idle].key] = nil
        tenantLanes[owner] -= 1
        if tenantLanes[owner] == 0 { tenantIDs[lanes[idle].key.tenant] = nil }
        return idle
    }

    private mutating func placeForTenant() -> Int {
        if let unused = tenantLanes.firstIndex(of: 0) {
            tenants[unused] = Share()
            return unused
        }
        tenants.append(Share())
        tenantLanes.append(0)
        return tenants.count - 1
    }
}
