/// Numbers for adapter mixes, so that steps order and compare integers.
///
/// The base is 0; a number is never given twice.
struct MixTable {
    private struct Entry {
        let number: Int
        var users: Int
    }

    private var entries: [AdapterMix: Entry] = [:]
    private var last = 0

    /// The number of a mix, while somebody uses it.
    mutating func open(_ mix: AdapterMix) -> Int {
        guard !mix.isEmpty else { return 0 }
        if let entry = entries[mix] {
            entries[mix]?.users += 1
            return entry.number
        }
        last += 1
        entries[mix] = Entry(number: last, users: 1)
        return last
    }

    /// The end of one use; with the last the table lets the adapters go.
    mutating func close(_ mix: AdapterMix) {
        guard let entry = entries[mix] else { return }
        entries[mix] = entry.users > 1 ? Entry(number: entry.number, users: entry.users - 1) : nil
    }
}
