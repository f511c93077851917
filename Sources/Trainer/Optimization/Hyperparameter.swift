public import InferenceRuntime

/// One hyperparameter: its name, what it may be, LLaMA-Factory's name for it, and what it does.
///
/// `all` is the one table: checks, echo, stored form, the reader of LLaMA-Factory's files, the
/// documentation and any form that asks for hyperparameters follow from it. A new hyperparameter is a
/// property of `Hyperparameters` with its default, a row of the table, and its use.
public struct Hyperparameter: Sendable {
    /// The name on the wire.
    public let name: String
    /// What it may be.
    let rule: HyperparameterRule
    /// What it may be in a file that a person trains from alone, where it may be more.
    let fileRule: HyperparameterRule
    /// What silence means, in words, where it is no constant.
    let silence: String?
    /// LLaMA-Factory's key; `nil` where it has none, or where several make this one.
    let key: String?
    /// What LLaMA-Factory takes where its key is missing; `null` leaves it to our default.
    let keyDefault: JSONValue
    /// The methods that take it.
    public let methods: [TrainingMethod]
    /// What it does, for people.
    public let help: String
    /// Reads it from the resolved values; `nil` where there is nothing to echo, as of another name
    /// of a value that has its own row.
    let value: @Sendable (Hyperparameters) -> JSONValue?
    /// Sets it to a value that the rule lets through.
    let set: @Sendable (inout Hyperparameters, JSONValue) -> Void

    /// A row for a stored property.
    init<Value: HyperparameterValue>(
        _ name: String,
        _ property: any WritableKeyPath<Hyperparameters, Value> & Sendable,
        _ rule: HyperparameterRule,
        inFile fileRule: HyperparameterRule? = nil,
        silence: String? = nil,
        key: String? = nil,
        keyDefault: JSONValue = .null,
        of methods: [TrainingMethod] = TrainingMethod.allCases,
        _ help: String
    ) {
        self.init(
            name,
            rule,
            inFile: fileRule,
            silence: silence,
            key: key,
            keyDefault: keyDefault,
            of: methods,
            help,
            value: { $0[keyPath: property].json },
            set: { hyperparameters, json in
                if let value = Value(hyperparameter: json) {
                    hyperparameters[keyPath: property] = value
                }
            }
        )
    }

    /// A row for another name of something.
    init(
        _ name: String,
        _ rule: HyperparameterRule,
        inFile fileRule: HyperparameterRule? = nil,
        silence: String? = nil,
        key: String? = nil,
        keyDefault: JSONValue = .null,
        of methods: [TrainingMethod] = TrainingMethod.allCases,
        _ help: String,
        value: @escaping @Sendable (Hyperparameters) -> JSONValue? = { _ in nil },
        set: @escaping @Sendable (inout Hyperparameters, JSONValue) -> Void
    ) {
        self.name = name
        self.rule = rule
        self.fileRule = fileRule ?? rule
        self.silence = silence
        self.key = key
        self.keyDefault = keyDefault
        self.methods = methods
        self.help = help
        self.value = { methods.contains($0.method) ? value($0) : nil }
        self.set = set
    }
}

extension Hyperparameter {
    /// The rows by name.
    static let named = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// The default in words: what silence means.
    var defaultText: String {
        if let silence { return silence }
        switch value(defaults) {
        case nil, .null?: return "none"
        case .string(let word)?: return "`\(word)`"
        case let value?: return value.double.map(HyperparameterRule.text) ?? value.serialized
        }
    }

    /// The defaults of a method that takes it.
    private var defaults: Hyperparameters {
        var defaults = Hyperparameters()
        defaults.method = methods.first ?? .supervised
        return defaults
    }

    /// The row as data, for a form: name, what it may be, defaults and help.
    public var json: JSONObject {
        var json: JSONObject = ["name": .string(name)]
        for (key, value) in rule.json.members { json[key] = value }
        json["default"] = silence == nil ? value(defaults) ?? .null : .null
        json["default_text"] = .string(defaultText)
        if let key { json["llama_factory"] = ["key": .string(key), "default": keyDefault] }
        json["methods"] = .array(methods.map { .string($0.rawValue) })
        json["help"] = .string(help)
        return json
    }
}

/// What a hyperparameter can hold: a value that is written as JSON and read back.
protocol HyperparameterValue: SendableMetatype {
    /// Reads a value; `nil` where the JSON is of another type.
    init?(hyperparameter json: JSONValue)
    /// The value as it is echoed.
    var json: JSONValue { get }
}

extension Int: HyperparameterValue {
    init?(hyperparameter json: JSONValue) {
        guard let value = json.int else { return nil }
        self = value
    }
    var json: JSONValue { JSONValue(self) }
}

extension Double: HyperparameterValue {
    init?(hyperparameter json: JSONValue) {
        guard let value = json.double else { return nil }
        self = value
    }
    var json: JSONValue { JSONValue(self) }
}

extension Bool: HyperparameterValue {
    init?(hyperparameter json: JSONValue) {
        guard let value = json.bool else { return nil }
        self = value
    }
    var json: JSONValue { .bool(self) }
}

extension Optional: HyperparameterValue where Wrapped: HyperparameterValue {
    init?(hyperparameter json: JSONValue) { self = Wrapped(hyperparameter: json) }
    var json: JSONValue { self?.json ?? .null }
}

extension HyperparameterValue where Self: RawRepresentable, RawValue == String {
    init?(hyperparameter json: JSONValue) {
        guard let word = json.string.flatMap(Self.init(rawValue:)) else { return nil }
        self = word
    }
    var json: JSONValue { .string(rawValue) }
}

extension LearningRateSchedule.Kind: HyperparameterValue {}
extension Hyperparameters.Evaluation: HyperparameterValue {}
extension Hyperparameters.BestMetric: HyperparameterValue {}
extension PreferenceLoss: HyperparameterValue {}

/// Names of modules: a list, or a text with commas; `all` and nothing are `all-linear`.
extension [String]: HyperparameterValue {
    init?(hyperparameter json: JSONValue) {
        let names =
            json.array?.compactMap(\.string)
            ?? json.string?.split(separator: ",").map { String($0.filter { $0 != " " }) } ?? []
        let all = names.isEmpty || names == ["all"] || names == ["all-linear"]
        self = all ? ["all-linear"] : names
    }
    var json: JSONValue { .array(map(JSONValue.string)) }
}

extension LearningRateSchedule.Options: HyperparameterValue {
    init?(hyperparameter json: JSONValue) {
        guard let members = json.object?.members else { return nil }
        self.init(members.compactMap { member in member.value.double.map { (member.key, $0) } })
    }
    var json: JSONValue {
        .object(JSONObject(sorted.map { (key: $0.key, value: JSONValue($0.value)) }))
    }
}
