extension TemplateValue {
    /// What Python's `json.loads` makes of a document: the last of equal keys wins, in the place of
    /// the first.
    init(_ json: JSONValue) {
        switch json {
        case .null: self = .none
        case .bool(let value): self = .bool(value)
        case .number(let number): self = TemplateValue(number)
        case .string(let text): self = .string(PythonString(text))
        case .array(let elements): self = .list(TemplateList(elements.map { TemplateValue($0) }))
        case .object(let object): self = .dict(TemplateDict(object))
        }
    }

    private init(_ number: JSONNumber) {
        switch number {
        case .integer(let value): self = .int(value)
        case .literal(let text):
            let isInteger = text.utf8.allSatisfy { $0 != 0x2E && $0 | 0x20 != 0x65 }
            if !isInteger {
                self = .float(number.double)
            } else if let value = Int(text) {
                self = .int(value)
            } else {
                self = .bigInteger(text)
            }
        }
    }
}

extension TemplateDict {
    convenience init(_ object: JSONObject) {
        self.init()
        for (key, value) in object.members { set(PythonString(key), TemplateValue(value)) }
    }
}
