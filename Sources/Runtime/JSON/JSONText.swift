/// Writes a JSON document piece by piece, so that a large one never stands in memory as a tree.
public struct JSONText: Sendable {
    /// What has been written.
    public private(set) var bytes: [UInt8] = []
    private var needsComma = false

    /// Begins an empty text.
    public init() {}

    /// Writes one object, whose members `body` writes.
    public mutating func object(_ body: (inout JSONText) -> Void) {
        enclose(UInt8(ascii: "{"), UInt8(ascii: "}"), body)
    }

    /// Writes one array, whose elements `body` writes.
    public mutating func array(_ body: (inout JSONText) -> Void) {
        enclose(UInt8(ascii: "["), UInt8(ascii: "]"), body)
    }

    /// Writes an element of an array, or a whole document.
    public mutating func element(_ value: JSONValue) {
        separate()
        value.write(to: &bytes)
    }

    /// Writes a member of an object.
    public mutating func member(_ key: String, _ value: JSONValue) {
        self.key(key)
        element(value)
    }

    /// Writes a member of an object, whose value `body` writes.
    public mutating func member(_ key: String, _ body: (inout JSONText) -> Void) {
        self.key(key)
        body(&self)
    }

    /// Writes the members of an object into the one that is open.
    public mutating func members(of object: JSONObject) {
        for (key, value) in object.members { member(key, value) }
    }

    private mutating func key(_ key: String) {
        separate()
        JSONValue.string(key).write(to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func enclose(
        _ open: UInt8,
        _ close: UInt8,
        _ body: (inout JSONText) -> Void
    ) {
        separate()
        bytes.append(open)
        needsComma = false
        body(&self)
        bytes.append(close)
        needsComma = true
    }
}
