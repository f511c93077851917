/// The low-rank products of one linear layer over a batch, reused from layer to layer.
struct LoRATaskList {
    private var tasks: [LoRATask] = []
    /// Numbers the intermediate t of all tasks takes.
    private(set) var lowRankCount = 0

    var isEmpty: Bool { tasks.isEmpty }
    var count: Int { tasks.count }

    mutating func removeAll() {
        tasks.removeAll(keepingCapacity: true)
        lowRankCount = 0
    }

    mutating func append(_ pair: LoRAPair, rows: Range<Int>, scale: Float) {
        guard pair.rank > 0 else { return }
        tasks.append(pair.task(rows: rows, offset: lowRankCount, scale: scale))
        lowRankCount += rows.count * pair.rank
    }

    func withTasks(_ body: (UnsafeBufferPointer<LoRATask>) -> Void) {
        tasks.withUnsafeBufferPointer(body)
    }
}

extension LoRAPair {
    /// t = x Aᵀ, y += scale × t Bᵀ for some rows.
    func task(rows: Range<Int>, offset: Int, scale: Float) -> LoRATask {
        LoRATask(
            firstRow: rows.lowerBound,
            rows: rows.count,
            rank: rank,
            offset: offset,
            a: a,
            bTransposed: bTransposed,
            format: format,
            scale: self.scale * scale
        )
    }

    /// u = g B, dx += scale × u A for some rows: the same kernels with A and Bᵀ exchanged.
    func transposedTask(rows: Range<Int>, offset: Int, scale: Float) -> LoRATask {
        LoRATask(
            firstRow: rows.lowerBound,
            rows: rows.count,
            rank: rank,
            offset: offset,
            a: bTransposed,
            bTransposed: a,
            format: format,
            scale: self.scale * scale
        )
    }
}
