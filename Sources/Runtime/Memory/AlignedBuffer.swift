import Glibc

/// Memory for kernels: 64-byte aligned, zeroed, freed with its owner; large ones ask for huge pages.
///
/// A large buffer takes memory page by page as it is written to: a cache sized for the worst case costs what is in use.
/// Running out of memory traps: sizes are checked against the budget before anything is allocated.
public struct AlignedBuffer<Element: BitwiseCopyable>: ~Copyable {
    /// The first element; valid while the buffer lives, also when `count` is 0.
    public let baseAddress: UnsafeMutablePointer<Element>
    /// Number of elements.
    public let count: Int
    /// The pages of a large buffer; nil where the heap holds it.
    private let pages: UnsafeMutableRawBufferPointer?

    /// Allocates `count` zeroed elements.
    public init(count: Int) {
        precondition(count >= 0, "a buffer has no negative size")
        let (size, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        precondition(!overflow && size < 1 << 48, "a buffer's size must fit the address space")
        let raw: UnsafeMutableRawPointer
        if size >= Self.hugePage * 2 {
            (raw, pages) = Self.map(size)
        } else {
            raw = .allocate(byteCount: max(size, 64), alignment: 64)
            memset(raw, 0, max(size, 64))
            pages = nil
        }
        baseAddress = raw.bindMemory(to: Element.self, capacity: max(count, 1))
        self.count = count
    }

    deinit {
        if let pages {
            munmap(pages.baseAddress, pages.count)
        } else {
            UnsafeMutableRawPointer(baseAddress).deallocate()
        }
    }

    private static var hugePage: Int { 2 << 20 }

    /// Pages that read as zero, from the start of a huge page on.
    private static func map(
        _ size: Int
    ) -> (start: UnsafeMutableRawPointer, pages: UnsafeMutableRawBufferPointer) {
        let length = size + hugePage
        let protection = PROT_READ | PROT_WRITE
        let address = mmap(nil, length, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let address, address != MAP_FAILED else {
            preconditionFailure("out of memory: \(size) bytes")
        }
        let start = address.alignedUp(toMultipleOf: hugePage)
        // The rest behind the last whole one comes in small pages, as far as it is used.
        madvise(start, size / hugePage * hugePage, Int32(MADV_HUGEPAGE))
        return (start, UnsafeMutableRawBufferPointer(start: address, count: length))
    }

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
