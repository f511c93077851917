import InferenceRuntime

/// The fields of a grader, with errors that name them.
struct GraderFields {
    let json: JSONValue
    /// Where the grader stands in the request.
    private let path: String

    init(_ json: JSONValue, path: String) throws(GraderError) {
        guard json.object != nil else { throw .invalid(path, "'\(path)' is not an object.") }
        (self.json, self.path) = (json, path)
    }

    func param(_ key: String) -> String { "\(path).\(key)" }

    func invalid(_ key: String, _ reason: String) -> GraderError {
        .invalid(param(key), "'\(param(key))' \(reason).")
    }

    func text(_ key: String) throws(GraderError) -> String {
        guard let text = json[key]?.string else { throw invalid(key, "is missing, or no string") }
        return text
    }

    func template(_ key: String) throws(GraderError) -> GraderTemplate {
        try GraderTemplate(try text(key), param: param(key))
    }

    func choice<Value: RawRepresentable & CaseIterable>(
        _ key: String,
        _: Value.Type
    ) throws(GraderError) -> Value where Value.RawValue == String {
        let word = try text(key)
        guard let value = Value(rawValue: word) else {
            let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw invalid(key, "is '\(word.prefix(40))'; there are \(known)")
        }
        return value
    }

    func labels(_ key: String) throws(GraderError) -> [String] {
        let labels = (json[key]?.array ?? []).compactMap(\.string)
        guard (1...256).contains(labels.count), labels.count == json[key]?.array?.count else {
            throw invalid(key, "is not a list of 1 to 256 strings")
        }
        return labels
    }
}
