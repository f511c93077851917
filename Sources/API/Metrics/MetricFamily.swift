import Synchronization

/// One metric with its labels: every combination of their values is a series.
///
/// The number of series is capped, so that a thousand adapters, or names an attacker makes up,
/// cannot fill memory or the monitoring system: beyond the cap, the first label becomes `other`.
final class MetricFamily: Sendable {
    /// What the family counts.
    enum Kind: Sendable {
        case counter
        case gauge
        /// With the upper bounds of its buckets, ascending; `+Inf` follows by itself.
        case histogram([Double])
    }

    let name: String
    let help: String
    let kind: Kind
    let labels: [String]
    let maximumSeries: Int
    private let series = Mutex<[[String]: Series]>([:])

    init(
        _ name: String,
        _ kind: Kind,
        help: String,
        labels: [String] = [],
        maximumSeries: Int = 1000
    ) {
        self.name = name
        self.kind = kind
        self.help = help
        self.labels = labels
        self.maximumSeries = maximumSeries
    }

    /// Adds to a counter or gauge.
    func add(_ amount: Double, _ values: String...) {
        update(values) { $0.sum += amount }
    }

    /// Sets a gauge, or a counter that is counted elsewhere.
    func set(_ value: Double, _ values: String...) {
        update(values) { $0.sum = value }
    }

    /// Counts a value into a histogram.
    func observe(_ value: Double, _ values: String...) {
        guard case .histogram(let bounds) = kind, value.isFinite else { return }
        update(values) { series in
            if series.buckets.isEmpty {
                series.buckets = [Int](repeating: 0, count: bounds.count)
            }
            // Buckets are counted apart here and added up when they are shown.
            if let index = bounds.firstIndex(where: { value <= $0 }) { series.buckets[index] += 1 }
            series.count += 1
            series.sum += value
        }
    }

    /// Sets a histogram that is counted elsewhere.
    ///
    /// - Parameter buckets: The values in each bucket alone, and last those beyond all.
    func set(buckets: [Int], sum: Double, _ values: String...) {
        update(values) { series in
            series.buckets = buckets.dropLast()
            series.count = buckets.reduce(0, +)
            series.sum = sum
        }
    }

    /// Forgets all series: for gauges that are set anew at every scrape.
    func reset() {
        series.withLock { $0.removeAll(keepingCapacity: true) }
    }

    /// A copy of the series, ordered by their labels.
    func snapshot() -> [(values: [String], series: Series)] {
        series.withLock { $0.map { (values: $0.key, series: $0.value) } }
            .sorted { $0.values.lexicographicallyPrecedes($1.values) }
    }

    private func update(_ values: [String], _ body: (inout Series) -> Void) {
        precondition(values.count == labels.count, "\(name) has \(labels.count) labels")
        series.withLock { all in
            var key = values
            if all[key] == nil, all.count >= maximumSeries, !key.isEmpty { key[0] = "other" }
            body(&all[key, default: Series()])
        }
    }

    /// What one series has counted.
    struct Series: Sendable {
        /// The value of a counter or gauge; the sum of what a histogram saw.
        var sum = 0.0
        /// How many values a histogram saw.
        var count = 0
        /// How many of them lie in each bucket alone.
        var buckets: [Int] = []
    }
}
