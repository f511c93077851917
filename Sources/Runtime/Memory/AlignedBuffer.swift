import Glibc

/// Memory for kernels: 64-byte aligned, zeroed, freed with its owner; large ones ask for huge pages.
///
/// Running out of memory traps: sizes are checked against the budget before anything is allocated.
public struct AlignedBuffer<Element: BitwiseCopyable>: ~Copyable {
    /// The first element; valid while the buffer lives, also when `count` is 0.
    public let baseAddress: UnsafeMutablePointer<Element>
    /// Number of elements.
    public let count: Int

    /// Allocates `count` zeroed elements.
    public init(count: Int) {
        precondition(count >= 0, "a buffer has no negative size")
        let (size, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        precondition(!overflow, "a buffer's size must fit the address space")
        let huge = size >= 4 << 20
        let alignment = huge ? 2 << 20 : 64
        let bytes = max(size, 64)
        var raw: UnsafeMutableRawPointer?
        let result = posix_memalign(&raw, alignment, bytes)
        guard result == 0, let raw else { preconditionFailure("out of memory: \(bytes) bytes") }
        if huge { madvise(raw, bytes, Int32(MADV_HUGEPAGE)) }
        memset(raw, 0, bytes)
        baseAddress = raw.bindMemory(to: Element.self, capacity: max(count, 1))
        self.count = count
    }

    deinit { free(UnsafeMutableRawPointer(baseAddress)) }

    /// All elements, valid while the buffer lives.
    public var elements: UnsafeMutableBufferPointer<Element> {
        UnsafeMutableBufferPointer(start: baseAddress, count: count)
    }

    /// All bytes, valid while the buffer lives.
    public var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(UnsafeBufferPointer(elements))
    }

    /// One element, checked.
    public subscript(index: Int) -> Element {
        get {
            precondition(index >= 0 && index < count, "index beyond the buffer")
            return baseAddress[index]
        }
        nonmutating set {
            precondition(index >= 0 && index < count, "index beyond the buffer")
            baseAddress[index] = newValue
        }
    }
}
