/// Elements that are written while a tokenizer is loaded and only read afterwards.
///
/// A class around bare memory rather than an array: the hot loops read it without a bounds check
/// or a reference count.
///
/// Immutable: nothing writes after the owner's initialiser has returned.
final class FixedTable<Element: BitwiseCopyable>: @unchecked Sendable {
    let base: UnsafeMutablePointer<Element>
    let count: Int

    init(repeating value: Element, count: Int) {
        self.base = .allocate(capacity: max(count, 1))
        self.base.initialize(repeating: value, count: count)
        self.count = count
    }

    convenience init(_ elements: [Element], padding: Element) {
        self.init(repeating: padding, count: elements.count)
        for (index, element) in elements.enumerated() { base[index] = element }
    }

    deinit { base.deallocate() }
}
