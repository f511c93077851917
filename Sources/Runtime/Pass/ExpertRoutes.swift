/// Which experts answer which rows of one batch, reused from layer to layer.
struct ExpertRoutes {
    /// One row's share of one expert.
    struct Route {
        var row: Int
        var expert: Int
        /// Factor of the expert's answer.
        var weight: Float
    }

    /// Ascending by expert, then by row.
    private(set) var routes: [Route] = []
    private var chosen: [Int] = []

    /// Chooses the experts of every row; equals go to the lower expert.
    ///
    /// `probabilities` [rows, count] are logits on entry and softmax probabilities on return.
    mutating func choose(
        _ experts: MixtureOfExperts,
        rows: Int,
        probabilities: UnsafeMutablePointer<Float>
    ) {
        routes.removeAll(keepingCapacity: true)
        for row in 0..<rows {
            let p = probabilities + row * experts.count
            Softmax.apply(p, count: experts.count, into: p)
            chosen.removeAll(keepingCapacity: true)
            for _ in 0..<experts.perToken {
                var best = -1
                for expert in 0..<experts.count
                where !chosen.contains(expert) && (best < 0 || p[expert] > p[best]) {
                    best = expert
                }
                chosen.append(best)
            }
            let sum = experts.normalizesWeights ? chosen.reduce(0) { $0 + p[$1] } : 1
            for expert in chosen {
                routes.append(Route(row: row, expert: expert, weight: p[expert] / sum))
            }
        }
        routes.sort { ($0.expert, $0.row) < ($1.expert, $1.row) }
    }

    /// Calls `body` with each expert that answers rows and its range of `routes`.
    func forEachExpert(_ body: (_ expert: Int, _ routes: Range<Int>) -> Void) {
        var first = 0
        while first < routes.count {
            let expert = routes[first].expert
            var last = first
            while last < routes.count, routes[last].expert == expert { last += 1 }
            body(expert, first..<last)
            first = last
        }
    }

    /// The segments of a batch, in the numbering of one expert's rows.
    func segments(of segments: [LoRASegment], in range: Range<Int>) -> [LoRASegment] {
        guard !segments.isEmpty else { return [] }
        return segments.compactMap { segment in
            let rows = range.filter { segment.rows.contains(routes[$0].row) }
            guard let first = rows.first, let last = rows.last else { return nil }
            return LoRASegment(
                rows: first - range.lowerBound..<last - range.lowerBound + 1,
                mix: segment.mix
            )
        }
    }
}
