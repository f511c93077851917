/// A mapping in insertion order, immutable once made.
final class TemplateDict {
    private(set) var keys: [TemplateValue] = []
    private(set) var values: [TemplateValue] = []
    private(set) var depth = 1
    private(set) var weight = 1
    private var index: [DictKey: Int] = [:]

    var count: Int { keys.count }

    /// The value of a key; `nil` also for a key that cannot be hashed.
    subscript(key: TemplateValue) -> TemplateValue? {
        guard let hashed = DictKey(key), let position = index[hashed] else { return nil }
        return values[position]
    }

    /// The value of a key that is a string.
    subscript(key: PythonString) -> TemplateValue? { index[.string(key)].map { values[$0] } }

    /// Sets a key while the mapping is being made; an existing one keeps its place.
    /// - Returns: `false` where the key cannot be hashed.
    func set(_ key: TemplateValue, _ value: TemplateValue) -> Bool {
        guard let hashed = DictKey(key) else { return false }
        insert(hashed, key, value)
        return true
    }

    /// Sets a key that is a string while the mapping is being made.
    func set(_ key: PythonString, _ value: TemplateValue) {
        insert(.string(key), .string(key), value)
    }

    private func insert(_ hashed: DictKey, _ key: TemplateValue, _ value: TemplateValue) {
        depth = max(depth, value.depth + 1, key.depth + 1)
        weight = weight.addingClamped(key.weight).addingClamped(value.weight)
        if let position = index[hashed] {
            values[position] = value
        } else {
            index[hashed] = keys.count
            keys.append(key)
            values.append(value)
        }
    }
}

/// What a hashable Python value is found by: `1`, `1.0` and `True` are the same key.
enum DictKey: Hashable {
    case none
    case int(Int)
    case bigInteger(String)
    case float(Double)
    case string(PythonString)
    case tuple([DictKey])
    /// All undefined values are one key.
    case undefined

    /// `nil` for what Python calls unhashable.
    init?(_ value: TemplateValue) {
        switch value {
        case .none: self = .none
        case .bool(let value): self = .int(value ? 1 : 0)
        case .int(let value): self = .int(value)
        case .bigInteger(let digits): self = .bigInteger(digits)
        case .float(let value): self = Int(exactly: value).map(DictKey.int) ?? .float(value)
        case .string(let text): self = .string(text)
        case .tuple(let list):
            var keys: [DictKey] = []
            for element in list.elements {
                guard let key = DictKey(element) else { return nil }
                keys.append(key)
            }
            self = .tuple(keys)
        case .undefined: self = .undefined
        default: return nil
        }
    }
}
