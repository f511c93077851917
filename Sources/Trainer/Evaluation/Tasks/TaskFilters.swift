import Foundation
import InferenceRuntime

/// What is done to an answer before it counts: steps of lm-evaluation-harness's `filter_list`.
struct TaskFilters: Sendable {
    /// One step.
    enum Step: Sendable {
        case regex(NSRegularExpression, select: Int, fallback: String)
        case removeWhitespace
        case lowercase
        case uppercase
        case map([String: String], fallback: String)
        case takeFirst
    }

    /// What its results are called by.
    let name: String
    let steps: [Step]

    /// The answer as it is.
    static let none = TaskFilters(name: "none", steps: [])

    private init(name: String, steps: [Step]) {
        self.name = name
        self.steps = steps
    }

    /// Reads an entry of `filter_list`.
    init(_ value: JSONValue) throws(TaskError) {
        guard let name = value["name"]?.string, let steps = value["filter"]?.array else {
            throw TaskError("filter_list: an entry needs 'name' and 'filter'.")
        }
        self.name = name
        var read: [Step] = []
        for step in steps { read.append(try Self.step(step)) }
        self.steps = read
    }

    private static func step(_ value: JSONValue) throws(TaskError) -> Step {
        switch value["function"]?.string ?? "" {
        case "regex":
            let pattern = value["regex_pattern"]?.string ?? #"#### (\-?[0-9\.\,]+)"#
            guard let regex = try? NSRegularExpression(pattern: pattern) else {
                throw TaskError("filter_list: '\(pattern)' is no regular expression.")
            }
            return .regex(
                regex,
                select: value["group_select"]?.int ?? 0,
                fallback: value["fallback"]?.string ?? "[invalid]"
            )
        case "remove_whitespace": return .removeWhitespace
        case "lowercase": return .lowercase
        case "uppercase": return .uppercase
        case "take_first": return .takeFirst
        case "map":
            let mapping = value["mapping_dict"]?.object ?? JSONObject()
            let pairs = mapping.members.map { ($0.key, TaskForm.string($0.value)) }
            let fallback = value["default_value"].map(TaskForm.string) ?? "None"
            return .map(Dictionary(pairs) { $1 }, fallback: fallback)
        case let name:
            throw TaskError(
                "filter_list: '\(name)' is not supported; regex, remove_whitespace, lowercase, "
                    + "uppercase, map and take_first are."
            )
        }
    }

    func callAsFunction(_ answer: String) -> String {
        steps.reduce(answer) { text, step in
            switch step {
            case .regex(let regex, let select, let fallback):
                Self.match(regex, select, in: text) ?? fallback
            case .removeWhitespace: text.trimmingCharacters(in: .whitespacesAndNewlines)
            case .lowercase: text.lowercased()
            case .uppercase: text.uppercased()
            case .map(let mapping, let fallback): mapping[text] ?? fallback
            case .takeFirst: text
            }
        }
    }

    /// What Python's `findall` gives at a place: the match, or its first group that is not empty.
    private static func match(
        _ regex: NSRegularExpression,
        _ select: Int,
        in text: String
    ) -> String? {
        let whole = NSRange(text.startIndex..., in: text)
        let matches = regex.matches(in: text, range: whole)
        let place = select < 0 ? matches.count + select : select
        guard matches.indices.contains(place) else { return nil }
        let match = matches[place]
        func group(_ number: Int) -> String? {
            Range(match.range(at: number), in: text).map { String(text[$0]) }
        }
        let found: String?
        switch regex.numberOfCaptureGroups {
        case 0: found = group(0)
        case 1: found = group(1) ?? ""
        case let count: found = (1...count).lazy.compactMap(group).first { !$0.isEmpty }
        }
        return found?.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
