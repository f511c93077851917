import InferenceRuntime

/// Writes the answers of `POST /v1/responses`: one message of text.
struct ResponseWriter: AnswerWriter {
    let head: AnswerHead
    let object: ResponseObject
    /// Writes log-probabilities; `nil` where none were asked for.
    let scores: ScoredTokenWriter?
    private var number = 0
    private var text = ""
    private var tokens: [ScoredToken] = []
    private var reason = FinishReason.stop

    init(head: AnswerHead, object: ResponseObject, scores: ScoredTokenWriter?) {
        self.head = head
        self.object = object
        self.scores = scores
    }

    func document(_ answers: CollectedAnswers) -> [UInt8] {
        var writer = self
        if let choice = answers.choices.first {
            writer.text = choice.text
            writer.tokens = choice.tokens
            writer.reason = choice.finishReason == FinishReason.length.rawValue ? .length : .stop
        }
        return writer.finished(answers.usage).serializedBytes
    }

    mutating func events(for event: AnswerRun.Event) -> [ServerSentEvent] {
        switch event {
        case .prompt: return begin()
        case .delta(_, let delta):
            text += delta.text
            tokens += delta.tokens
            return [
                item(
                    "response.output_text.delta",
                    ["delta": .string(delta.text), "logprobs": logprobs(delta.tokens)]
                )
            ]
        case .finished(_, let reason, _, _):
            self.reason = reason
            return [
                item(
                    "response.output_text.done",
                    ["text": .string(text), "logprobs": logprobs(tokens)]
                ), item("response.content_part.done", ["part": part]),
                numbered(
                    "response.output_item.done",
                    ["output_index": 0, "item": message(status, content: [part])]
                ),
            ]
        }
    }

    private mutating func begin() -> [ServerSentEvent] {
        let started = object.json(head, status: "in_progress", output: [], usage: nil)
        let empty: JSONValue = [
            "type": "output_text", "text": "", "annotations": [], "logprobs": [],
        ]
        return [
            numbered("response.created", ["response": started]),
            numbered("response.in_progress", ["response": started]),
            numbered(
                "response.output_item.added",
                ["output_index": 0, "item": message("in_progress", content: [])]
            ), item("response.content_part.added", ["part": empty]),
        ]
    }

    mutating func end(_ usage: CompletionUsage) -> [ServerSentEvent] {
        [numbered("response.\(status)", ["response": finished(usage)])]
    }

    func worded(_ error: APIError) -> APIError {
        guard number > 0 else { return error }
        var worded = error
        let event: JSONValue = [
            "type": "error", "code": error.code.map(JSONValue.string) ?? .null,
            "message": .string(error.message), "param": error.param.map(JSONValue.string) ?? .null,
            "sequence_number": JSONValue(number),
        ]
        worded.wording = APIError.Wording(json: event, event: "error")
        return worded
    }

    private var status: String { reason == .length ? "incomplete" : "completed" }

    private func finished(_ usage: CompletionUsage) -> JSONValue {
        object.json(
            head,
            status: status,
            output: [message(status, content: [part])],
            usage: usage
        )
    }

    private var messageID: String { "msg_" + head.id.dropFirst("resp_".count) }

    private func message(_ status: String, content: [JSONValue]) -> JSONValue {
        [
            "id": .string(messageID), "type": "message", "status": .string(status),
            "role": "assistant", "content": .array(content),
        ]
    }

    private var part: JSONValue {
        [
            "type": "output_text", "text": .string(text), "annotations": [],
            "logprobs": logprobs(tokens),
        ]
    }

    private func logprobs(_ tokens: [ScoredToken]) -> JSONValue {
        .array(scores.map { scores in tokens.map { scores.chat($0) } } ?? [])
    }

    private mutating func item(_ type: String, _ members: JSONObject) -> ServerSentEvent {
        var all: JSONObject = [
            "item_id": .string(messageID), "output_index": 0, "content_index": 0,
        ]
        for (key, value) in members.members { all[key] = value }
        return numbered(type, all)
    }

    private mutating func numbered(_ type: String, _ members: JSONObject) -> ServerSentEvent {
        var object: JSONObject = ["type": .string(type), "sequence_number": JSONValue(number)]
        number += 1
        for (key, value) in members.members { object[key] = value }
        return ServerSentEvent(name: type, .object(object))
    }
}
