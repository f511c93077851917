public import InferenceRuntime

/// Gives an answer a score, by OpenAI's shapes and facet's `json_schema` and `reward_model`.
public struct Grader: Sendable {
    /// What it is called; scores are told by it.
    public let name: String
    let kind: Kind

    indirect enum Kind: Sendable {
        case stringCheck(input: GraderTemplate, reference: GraderTemplate, StringCheck)
        case textSimilarity(input: GraderTemplate, reference: GraderTemplate, TextSimilarity)
        case jsonSchema(input: GraderTemplate, schema: JSONValue)
        case scoreModel(GraderQuestion, range: ClosedRange<Double>)
        /// What a reward model says; within the range, where there is one.
        case rewardModel(GraderQuestion, range: ClosedRange<Double>?)
        case labelModel(GraderQuestion, labels: [String], passing: Set<String>)
        /// In the order of the request.
        case multi([(key: String, grader: Grader)], GraderFormula)
    }

    /// How `string_check` compares.
    enum StringCheck: String, Sendable, CaseIterable {
        /// Equal, different, containing, containing whatever the case.
        case equal = "eq"
        case different = "ne"
        case like, ilike
    }

    private static let types = [
        "string_check", "text_similarity", "json_schema", "score_model", "label_model",
        "reward_model", "multi",
    ]
    private static let maximumParts = 32

    /// Reads a grader.
    /// - Throws: `GraderError.invalid` naming the field.
    public init(_ json: JSONValue, path: String = "grader") throws(GraderError) {
        try self.init(json, path: path, isInner: false)
    }

    private init(_ json: JSONValue, path: String, isInner: Bool) throws(GraderError) {
        let fields = try GraderFields(json, path: path)
        let type = try fields.text("type")
        name = json["name"]?.string ?? type
        switch type {
        case "string_check":
            kind = .stringCheck(
                input: try fields.template("input"),
                reference: try fields.template("reference"),
                try fields.choice("operation", StringCheck.self)
            )
        case "text_similarity":
            kind = .textSimilarity(
                input: try fields.template("input"),
                reference: try fields.template("reference"),
                try fields.choice("evaluation_metric", TextSimilarity.self)
            )
        case "json_schema":
            kind = .jsonSchema(input: try fields.template("input"), schema: try Self.schema(fields))
        case "score_model":
            let question = try GraderQuestion(fields)
            kind = .scoreModel(question, range: try Self.range(fields) ?? 0...1)
        case "reward_model":
            kind = .rewardModel(
                try GraderQuestion(fields, endsWithAnswer: true),
                range: try Self.range(fields)
            )
        case "label_model":
            let (labels, passing) = (
                try fields.labels("labels"), try fields.labels("passing_labels")
            )
            guard Set(passing).isSubset(of: labels) else {
                throw fields.invalid("passing_labels", "has a label that 'labels' has not")
            }
            let question = try GraderQuestion(fields)
            kind = .labelModel(question, labels: labels, passing: Set(passing))
        case "multi" where !isInner:
            kind = try Self.multi(fields)
        case "multi":
            throw fields.invalid("type", "is a multi grader inside another")
        case "python":
            throw fields.invalid(
                "type",
                "is 'python': code of a request is not run on this machine"
            )
        default:
            throw fields.invalid(
                "type",
                "is '\(type.prefix(40))'; there are \(Self.types.joined(separator: ", "))"
            )
        }
    }

    /// Whether a grader, or one within it, asks a model.
    public static func asksModels(_ json: JSONValue) -> Bool {
        let parts = json["graders"]?.object?.members.map(\.value) ?? []
        return ["score_model", "label_model", "reward_model"].contains(json["type"]?.string)
            || parts.contains { asksModels($0) }
    }

    private static func schema(_ fields: GraderFields) throws(GraderError) -> JSONValue {
        let schema = fields.json["schema"] ?? .null
        do throws(GrammarError) {
            _ = try SchemaCheck(schema)
        } catch {
            throw fields.invalid("schema", "can't be honoured: \(error)")
        }
        return schema
    }

    private static func multi(_ fields: GraderFields) throws(GraderError) -> Kind {
        guard let members = fields.json["graders"]?.object?.members,
            (1...maximumParts).contains(members.count)
        else {
            throw fields.invalid(
                "graders",
                "is missing, or no object of 1 to \(maximumParts) graders by name"
            )
        }
        var parts: [(key: String, grader: Grader)] = []
        for (key, value) in members {
            let path = fields.param("graders.\(key)")
            parts.append((key, try Grader(value, path: path, isInner: true)))
        }
        let text = try fields.text("calculate_output")
        let formula = try GraderFormula(text, param: fields.param("calculate_output"))
        if let stranger = formula.names.subtracting(parts.map(\.key)).sorted().first {
            throw fields.invalid(
                "calculate_output",
                "names '\(stranger.prefix(40))', which is none of its graders"
            )
        }
        return .multi(parts, formula)
    }

    private static func range(
        _ fields: GraderFields
    ) throws(GraderError) -> ClosedRange<Double>? {
        guard let json = fields.json["range"], !json.isNull else { return nil }
        guard let bounds = json.array?.compactMap(\.double), bounds.count == 2,
            bounds[0] < bounds[1], bounds.allSatisfy(\.isFinite)
        else { throw fields.invalid("range", "is not two numbers, the smaller first") }
        return bounds[0]...bounds[1]
    }
}
