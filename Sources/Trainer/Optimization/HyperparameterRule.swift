import Foundation
import InferenceRuntime

/// What a hyperparameter may be.
enum HyperparameterRule: Sendable {
    /// A whole number in a range.
    case integer(ClosedRange<Int>)
    /// A finite number in a range.
    case number(ClosedRange<Double>)
    /// `true` or `false`.
    case boolean
    /// One of some words.
    case word([String])
    /// A name, or a list of names.
    case names
    /// An object of numbers by name, each in its range.
    case numbers([String: ClosedRange<Double>])

    /// What is wrong with a value, to follow the name in a sentence; `nil` where nothing is.
    func problem(with value: JSONValue) -> String? {
        fits(value) ? nil : "must be " + demand
    }

    private func fits(_ value: JSONValue) -> Bool {
        switch self {
        case .integer(let range): value.int.map(range.contains) ?? false
        case .number(let range): value.double.map(range.contains) ?? false
        case .boolean: value.bool != nil
        case .word(let words): value.string.map(words.contains) ?? false
        case .names:
            value.array.map { names in
                !names.isEmpty && names.allSatisfy { $0.string?.isEmpty == false }
            } ?? (value.string?.isEmpty == false)
        case .numbers(let ranges):
            value.object?.members.allSatisfy { member in
                guard let number = member.value.double else { return false }
                return ranges[member.key]?.contains(number) ?? false
            } ?? false
        }
    }

    private var demand: String {
        switch self {
        case .integer(let range):
            "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .number(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
        case .boolean: "true or false"
        case .word(let words): "one of: " + words.joined(separator: ", ")
        case .names: "a module name or a list of module names, such as \"q_proj\""
        case .numbers(let ranges):
            "an object of numbers: "
                + ranges.sorted { $0.key < $1.key }.map { name, range in
                    "\(name) from \(Self.text(range.lowerBound)) to \(Self.text(range.upperBound))"
                }.joined(separator: ", ")
        }
    }

    /// The rule in the table of the documentation.
    var text: String {
        switch self {
        case .integer(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .number(let range):
            Self.text(range.lowerBound) + " to " + Self.text(range.upperBound)
        case .boolean: "true, false"
        case .word(let words): words.map { "`\($0)`" }.joined(separator: ", ")
        case .names: "a name or a list"
        case .numbers(let ranges): ranges.keys.sorted().map { "`\($0)`" }.joined(separator: ", ")
        }
    }

    /// The rule as data.
    var json: JSONObject {
        switch self {
        case .integer(let range):
            [
                "type": "integer", "minimum": JSONValue(range.lowerBound),
                "maximum": JSONValue(range.upperBound),
            ]
        case .number(let range):
            [
                "type": "number", "minimum": JSONValue(range.lowerBound),
                "maximum": JSONValue(range.upperBound),
            ]
        case .boolean: ["type": "boolean"]
        case .word(let words): ["type": "string", "enum": .array(words.map(JSONValue.string))]
        case .names: ["type": "array"]
        case .numbers(let ranges):
            [
                "type": "object",
                "properties": .object(
                    JSONObject(
                        ranges.sorted { $0.key < $1.key }.map { name, range in
                            (key: name, value: .object(Self.number(range).json))
                        }
                    )
                ),
            ]
        }
    }

    /// A number as people write it: `0`, `0.95`, `1e-5`.
    static func text(_ number: Double) -> String {
        String(format: "%g", number).replacing("e+0", with: "e").replacing("e-0", with: "e-")
    }
}
