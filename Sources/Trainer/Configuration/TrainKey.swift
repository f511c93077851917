import InferenceRuntime

/// What becomes of a key of LLaMA-Factory's.
///
/// `TrainKey+Table.swift` says it for every key that program knows, and for no other.
enum TrainKey: Sendable, Hashable {
    /// `TrainConfiguration` reads it, or it is a hyperparameter's.
    case read
    /// It changes nothing here, for this reason.
    case withoutEffect(String)
    /// Off or at its default it changes nothing; anything else is refused for this reason.
    case onlyOff(defaults: [String], reason: String)

    /// A sentence about a value that changes nothing; `nil` where there is nothing to say.
    /// - Throws: `TrainConfigurationError` with the reason where the value cannot be honoured.
    func note(_ key: String, _ value: JSONValue) throws(TrainConfigurationError) -> String? {
        switch self {
        case .read: return nil
        case .withoutEffect(let reason):
            return Self.isOff(value) && value != false ? nil : "has no effect: \(reason)"
        case .onlyOff(let defaults, let reason):
            let text = value.string ?? value.double.map(HyperparameterRule.text)
            guard !Self.isOff(value), !defaults.contains(text ?? value.serialized) else {
                return nil
            }
            throw TrainConfigurationError(key, "'\(key)' is \(value.serialized): \(reason).")
        }
    }

    /// What LLaMA-Factory's authors and its web form write where a key shall do nothing.
    private static func isOff(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .bool(false): true
        case .string(let text): text.isEmpty
        case .array(let elements): elements.isEmpty
        case .object(let object): object.members.isEmpty
        default: false
        }
    }
}

/// Names that are spelled almost like one that is not known.
package enum Spelling {
    /// The closest of `names`, at most three, for a sentence; empty where none is close.
    package static func hint(_ name: String, among names: some Sequence<String>) -> String {
        let word = name.lowercased().replacing("-", with: "_")
        let near = names.map { ($0, distance(word, $0.lowercased().replacing("-", with: "_"))) }
            .filter { $0.1 <= max(2, word.utf8.count / 3) }
            .sorted { ($0.1, $0.0) < ($1.1, $1.0) }.prefix(3)
        guard !near.isEmpty else { return "" }
        return " Did you mean " + near.map { "'\($0.0)'" }.joined(separator: " or ") + "?"
    }

    /// Letters to insert, remove or replace (Levenshtein); long words are not compared.
    private static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        guard left.count <= 64 else { return .max }
        var row = Array(0...right.count)
        for (i, letter) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let replaced = diagonal + (letter == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
