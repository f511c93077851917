public import InferenceRuntime

/// What a model is asked that grades.
public struct GraderQuestion: Sendable {
    /// The model that is asked.
    public let model: String
    /// `temperature`, `top_p`, `seed`, `max_completions_tokens`.
    public let sampling: JSONObject
    private let messages: [(role: String, content: GraderTemplate)]

    init(_ fields: GraderFields) throws(GraderError) {
        model = try fields.text("model")
        sampling = fields.json["sampling_params"]?.object ?? JSONObject()
        var messages: [(role: String, content: GraderTemplate)] = []
        for (index, message) in (fields.json["input"]?.array ?? []).enumerated() {
            let key = "input[\(index)]"
            // Content is a text, or a part with one.
            guard let role = message["role"]?.string,
                let content = message["content"]?.string ?? message["content"]?["text"]?.string
            else { throw fields.invalid(key, "is no message with 'role' and a text as 'content'") }
            let template = try GraderTemplate(content, param: fields.param(key + ".content"))
            messages.append((role == "developer" ? "system" : role, template))
        }
        guard (1...64).contains(messages.count) else {
            throw fields.invalid("input", "is not a list of 1 to 64 messages")
        }
        self.messages = messages
    }

    func texts(_ values: GraderValues) throws(GraderError) -> [(role: String, content: String)] {
        var texts: [(role: String, content: String)] = []
        for (role, content) in messages { texts.append((role, try content.text(values))) }
        return texts
    }
}
