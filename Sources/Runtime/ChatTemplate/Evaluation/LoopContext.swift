/// The `loop` variable, and what a loop draws its items from.
///
/// Items are drawn one at a time, looking ahead only where the template asks (`loop.last`), so that
/// a filter on the loop sees what the body has done so far.
final class LoopContext {
    private let items: [TemplateValue]
    private let filter: ((TemplateValue) throws(TemplateError) -> Bool)?
    private var position = 0
    private var ahead: [TemplateValue] = []
    private var aheadStart = 0
    private var knownLength: Int?

    let depthOfItems: Int
    /// How many recursive loops are around this one.
    let depth0: Int
    /// Renders the loop's body over other items; `nil` where the loop is not `recursive`.
    let recursion: Recursion?

    private(set) var index0 = -1
    private(set) var previous: TemplateValue?
    private(set) var current: TemplateValue?
    var lastChanged: [TemplateValue]?

    /// A recursive loop and where its names are looked up.
    struct Recursion {
        let loop: LoopStatement
        let scope: TemplateScope
    }

    init(
        items: [TemplateValue],
        filter: ((TemplateValue) throws(TemplateError) -> Bool)?,
        depth0: Int,
        recursion: Recursion?
    ) {
        self.items = items
        self.filter = filter
        self.depth0 = depth0
        self.recursion = recursion
        var deepest = 0
        for item in items { deepest = max(deepest, item.depth) }
        depthOfItems = deepest
        knownLength = filter == nil ? items.count : nil
    }

    /// Moves to the next item.
    func advance() throws(TemplateError) -> TemplateValue? {
        let item: TemplateValue
        if aheadStart < ahead.count {
            item = ahead[aheadStart]
            aheadStart += 1
        } else if let drawn = try draw() {
            item = drawn
        } else {
            return nil
        }
        index0 += 1
        previous = current
        current = item
        return item
    }

    private func draw() throws(TemplateError) -> TemplateValue? {
        while position < items.count {
            let item = items[position]
            position += 1
            if let filter, try !filter(item) { continue }
            return item
        }
        return nil
    }

    /// The item after this one.
    func next() throws(TemplateError) -> TemplateValue? {
        if aheadStart < ahead.count { return ahead[aheadStart] }
        guard let item = try draw() else { return nil }
        ahead.append(item)
        return item
    }

    /// How many items there are, drawing all of them where a filter decides.
    func length() throws(TemplateError) -> Int {
        if let knownLength { return knownLength }
        while let item = try draw() { ahead.append(item) }
        let length = index0 + 1 + ahead.count - aheadStart
        knownLength = length
        return length
    }
}
