import InferenceRuntime

/// What a task says of a document: the name of a column, a Jinja template, or a value for all.
enum TaskField: Sendable {
    case constant(JSONValue)
    case text(key: String, source: String, template: ChatTemplate)

    /// Reads a value of a task's file; `nil` where there is none.
    init?(_ key: String, _ value: JSONValue?) throws(TaskError) {
        switch value {
        case nil, .null?: return nil
        case .string(let source)?:
            do throws(TemplateError) {
                let template = try ChatTemplate(source: source, style: .task)
                self = .text(key: key, source: source, template: template)
            } catch {
                throw TaskError(key, error)
            }
        case .object(let object)?: self = .constant(.array(object.members.map(\.value)))
        case .array?, .number?: self = .constant(value ?? .null)
        default: throw TaskError("'\(key)' must be a text, a number or a list.")
        }
    }

    /// A value as it stands, and whether a template rendered it.
    func value(of document: JSONObject) throws(TaskError) -> (value: JSONValue, isRendered: Bool) {
        switch self {
        case .constant(let value): return (value, false)
        case .text(let key, let source, let template):
            if let value = document[source] { return (value, false) }
            do throws(TemplateError) {
                return (.string(try template.render(document)), true)
            } catch {
                throw TaskError(key, error)
            }
        }
    }
}

/// How a document becomes a question, its choices and its answer.
struct TaskForm: Sendable {
    var text: TaskField
    var target: TaskField
    var choices: TaskField?
    var answerPrefix: TaskField?
    var targetDelimiter: String
    var exampleDelimiter: String

    /// The question, or which of the choices it is.
    enum Question {
        case text(String)
        case choice(Int)
    }

    func question(_ document: JSONObject) throws(TaskError) -> Question {
        let (value, isRendered) = try text.value(of: document)
        if let number = value.int { return .choice(number) }
        let text = Self.string(value)
        if isRendered, choices != nil, let number = Self.digits(text) { return .choice(number) }
        return .text(text)
    }

    func choices(_ document: JSONObject) throws(TaskError) -> [String]? {
        guard let choices else { return nil }
        let (value, isRendered) = try choices.value(of: document)
        let list = isRendered ? PythonLiteral.value(Self.string(value)) : value
        guard let list = list?.array, !list.isEmpty else {
            throw TaskError(
                "doc_to_choice: \(value.serialized) is no list of choices; a template must render "
                    + "one as Python writes it, {{[first, second]}}."
            )
        }
        return list.map(Self.string)
    }

    /// The answer: a text, the number of a choice, or a list of them.
    func target(_ document: JSONObject) throws(TaskError) -> JSONValue {
        let (value, isRendered) = try target.value(of: document)
        guard isRendered else { return value }
        let text = Self.string(value)
        if choices != nil, let number = Self.digits(text) { return JSONValue(number) }
        if text.hasPrefix("["), text.hasSuffix("]") { return PythonLiteral.value(text) ?? value }
        return value
    }

    func prefix(_ document: JSONObject) throws(TaskError) -> String {
        guard let answerPrefix else { return "" }
        return Self.string(try answerPrefix.value(of: document).value)
    }

    /// A text as it is, anything else as JSON.
    static func string(_ value: JSONValue) -> String { value.string ?? value.serialized }

    private static func digits(_ text: String) -> Int? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
    }
}
