/// One object of `tokenizer.json` together with where it stands, so that errors can name it.
struct TokenizerSection {
    let path: String
    let object: JSONObject

    init(_ value: JSONValue, path: String) throws(TokenizerError) {
        guard let object = value.object else {
            throw .invalid(field: path, reason: "expected an object")
        }
        self.path = path
        self.object = object
    }

    /// The value of a key; `nil` where it is absent or `null`.
    subscript(_ key: String) -> JSONValue? {
        guard let value = object[key], !value.isNull else { return nil }
        return value
    }

    func required(_ key: String) throws(TokenizerError) -> JSONValue {
        guard let value = self[key] else { throw invalid(key, "is missing") }
        return value
    }

    func type() throws(TokenizerError) -> String { try string("type") }

    func string(_ key: String) throws(TokenizerError) -> String {
        guard let text = try required(key).string else { throw invalid(key, "expected a string") }
        return text
    }

    func optionalString(_ key: String) throws(TokenizerError) -> String? {
        self[key] == nil ? nil : try string(key)
    }

    func bool(_ key: String, default value: Bool) throws(TokenizerError) -> Bool {
        guard let json = self[key] else { return value }
        guard let value = json.bool else { throw invalid(key, "expected true or false") }
        return value
    }

    func int(_ key: String, default value: Int) throws(TokenizerError) -> Int {
        guard let json = self[key] else { return value }
        guard let value = json.int else { throw invalid(key, "expected an integer") }
        return value
    }

    func array(_ key: String) throws(TokenizerError) -> [JSONValue] {
        guard let elements = try required(key).array else { throw invalid(key, "expected a list") }
        return elements
    }

    /// The objects of a list, each with its own path.
    func sections(_ key: String) throws(TokenizerError) -> [TokenizerSection] {
        var sections: [TokenizerSection] = []
        for (index, element) in try array(key).enumerated() {
            sections.append(try TokenizerSection(element, path: "\(path).\(key)[\(index)]"))
        }
        return sections
    }

    /// A string of exactly one Unicode scalar.
    func scalar(_ key: String, default value: Unicode.Scalar? = nil) throws(TokenizerError)
        -> Unicode.Scalar
    {
        if self[key] == nil, let value { return value }
        let scalars = try string(key).unicodeScalars
        guard let scalar = scalars.first, scalars.count == 1 else {
            throw invalid(key, "expected a single character")
        }
        return scalar
    }

    func invalid(_ key: String, _ reason: String) -> TokenizerError {
        .invalid(field: "\(path).\(key)", reason: reason)
    }

    func unsupported(_ value: String, key: String = "type", supported: [String])
        -> TokenizerError
    {
        .unsupported(field: "\(path).\(key)", value: value, supported: supported)
    }
}
