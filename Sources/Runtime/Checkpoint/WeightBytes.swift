/// The bytes of a model's weights and what keeps them.
///
/// Owner: one thread at a time, which lists the parts; their bytes are read-only.
struct WeightBytes: @unchecked Sendable {
    private(set) var parts: [(name: String, bytes: UnsafeRawBufferPointer)] = []
    private var owners: [any AnyObject & Sendable] = []

    /// Bytes in memory beside the parts: copies of weights that are stored in a form of their own.
    private(set) var added = 0

    var count: Int { parts.reduce(added) { $0 + $1.bytes.count } }

    mutating func add(bytes: Int) { added += bytes }

    mutating func append(
        _ name: String,
        _ bytes: UnsafeRawBufferPointer,
        owner: any AnyObject & Sendable
    ) {
        parts.append((name, bytes))
        owners.append(owner)
    }

    func hash() -> String {
        var hash = SHA256()
        for (part, owner) in zip(parts, owners) {
            hash.update(part.name)
            hash.update(part.bytes)
            (owner as? MemoryMappedFile)?.discard(part.bytes)
        }
        return Hex.text(hash.finalize())
    }
}
