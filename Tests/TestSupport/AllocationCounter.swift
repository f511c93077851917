import CTestSupport

/// Counts what the calling thread allocates, Swift's objects and C's memory alike.
public enum AllocationCounter {
    /// How many allocations `body` makes; `nil` where the C library cannot be asked.
    public static func count(_ body: () throws -> Void) rethrows -> Int? {
        let before = ct_allocations()
        guard before >= 0 else { return nil }
        try body()
        return ct_allocations() - before
    }

    /// Bytes that the whole process has allocated and not given back; 0 where nobody can be asked.
    public static var allocatedBytes: Int { ct_allocated_bytes() }
}
