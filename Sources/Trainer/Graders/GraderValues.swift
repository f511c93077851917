public import InferenceRuntime

/// What a grader's templates can name: the example and the answer.
public struct GraderValues: Sendable {
    private let item: JSONValue
    private let output: String

    /// - Parameters:
    ///   - item: The fields of the example.
    ///   - output: The answer: `sample.output_text`, and `sample.output_json` where it is JSON.
    public init(item: JSONValue, output: String) {
        self.item = item
        self.output = output
    }

    subscript(path: [String]) -> JSONValue {
        get throws(GraderError) {
            let name = path.joined(separator: ".")
            var value: JSONValue
            var rest = path.dropFirst()
            if path[0] == "item" {
                value = item
            } else if rest.first == "output_text" {
                (value, rest) = (.string(output), rest.dropFirst())
            } else if rest.first == "output_json" {
                guard let parsed = try? JSONValue(parsing: output) else {
                    throw .notJSON
                }
                (value, rest) = (parsed, rest.dropFirst())
            } else {
                throw .missing(name)
            }
            for step in rest {
                if let place = Int(step), let elements = value.array {
                    guard elements.indices.contains(place) else { throw .missing(name) }
                    value = elements[place]
                } else {
                    guard let member = value.object?[step] else { throw .missing(name) }
                    value = member
                }
            }
            return value
        }
    }
}
