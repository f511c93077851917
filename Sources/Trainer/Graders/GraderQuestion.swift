public import InferenceRuntime

/// What a model is asked that grades.
public struct GraderQuestion: Sendable {
    /// The model that is asked.
    public let model: String
    /// `temperature`, `top_p`, `seed`, `max_completions_tokens`.
    public let sampling: JSONObject
    /// Empty where the example's own messages are read.
    private let messages: [(role: String, content: GraderTemplate)]

    /// - Parameter endsWithAnswer: Whether the last message is an answer that is judged: `input` goes
    ///   without it, or is the messages of the example where it is left out.
    init(_ fields: GraderFields, endsWithAnswer: Bool = false) throws(GraderError) {
        model = try fields.text("model")
        sampling = fields.json["sampling_params"]?.object ?? JSONObject()
        if endsWithAnswer, fields.json["input"]?.isNull ?? true {
            messages = []
            return
        }
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
        if endsWithAnswer, messages.last?.role != "assistant" {
            let answer = try GraderTemplate("{{sample.output_text}}", param: fields.param("input"))
            messages.append(("assistant", answer))
        }
        self.messages = messages
    }

    func texts(_ values: GraderValues) throws(GraderError) -> [(role: String, content: String)] {
        guard !messages.isEmpty else { return try Self.item(values) }
        var texts: [(role: String, content: String)] = []
        for (role, content) in messages { texts.append((role, try content.text(values))) }
        return texts
    }

    /// The messages of the example, and the answer.
    private static func item(
        _ values: GraderValues
    ) throws(GraderError) -> [(role: String, content: String)] {
        var texts: [(role: String, content: String)] = []
        for message in try values[["item", "messages"]].array ?? [] {
            guard let role = message["role"]?.string, let content = message["content"]?.string
            else { throw .missing("item.messages") }
            texts.append((role, content))
        }
        guard !texts.isEmpty else { throw .missing("item.messages") }
        texts.append(("assistant", try values[["sample", "output_text"]].string ?? ""))
        return texts
    }
}
