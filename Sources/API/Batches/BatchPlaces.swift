import DequeModule

/// Places for lines that are being answered, given in the order in which they are asked for.
///
/// A batch asks for one place at a time, so batches take turns.
actor BatchPlaces {
    private var free: Int
    private var isClosed = false
    private var waiting: Deque<CheckedContinuation<Bool, Never>> = []

    init(_ count: Int) { free = count }

    /// Waits for a place.
    /// - Returns: `false` where no places are given any more.
    func take() async -> Bool {
        guard !isClosed else { return false }
        guard free == 0 else {
            free -= 1
            return true
        }
        return await withCheckedContinuation { waiting.append($0) }
    }

    /// Gives a place back.
    func giveBack() {
        if let next = waiting.popFirst() { next.resume(returning: true) } else { free += 1 }
    }

    /// Gives no more places.
    func close() {
        isClosed = true
        for continuation in waiting { continuation.resume(returning: false) }
        waiting = []
    }
}
