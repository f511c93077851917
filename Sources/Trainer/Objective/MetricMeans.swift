/// Weighted means by name, in the order in which they were first added.
///
/// Sums and weights are kept apart, so that the means of parts make the mean of the whole.
package struct MetricMeans: Sendable, Hashable {
    private struct Entry: Sendable, Hashable {
        let name: String
        var sum: Double
        var weight: Double
    }

    private var entries: [Entry] = []

    /// Nothing yet.
    package init() {}

    /// Adds a sum over things of this total weight.
    package mutating func add(_ name: String, sum: Double, weight: Double) {
        guard let place = entries.firstIndex(where: { $0.name == name }) else {
            entries.append(Entry(name: name, sum: sum, weight: weight))
            return
        }
        entries[place].sum += sum
        entries[place].weight += weight
    }

    /// Adds what another part found.
    mutating func add(_ other: MetricMeans) {
        for entry in other.entries { add(entry.name, sum: entry.sum, weight: entry.weight) }
    }

    /// The mean of that name; 0 where nothing had weight.
    package subscript(name: String) -> Double? {
        entries.first { $0.name == name }.map(Self.mean)
    }

    /// Names and means.
    var means: [(name: String, value: Double)] { entries.map { ($0.name, Self.mean($0)) } }

    private static func mean(_ entry: Entry) -> Double {
        entry.weight > 0 ? entry.sum / entry.weight : 0
    }
}
