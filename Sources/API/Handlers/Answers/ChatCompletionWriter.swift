import InferenceRuntime

/// Writes the answers of `POST /v1/chat/completions`.
struct ChatCompletionWriter: AnswerWriter {
    let head: AnswerHead
    let fields: GenerationFields
    /// Writes log-probabilities; `nil` where none were asked for.
    let scores: ScoredTokenWriter?
    /// Writes those of the prompt in vLLM's form; `nil` where none were asked for.
    let promptScores: ScoredTokenWriter?
    /// Whether thoughts are shown.
    let showsThoughts: Bool
    /// Takes the choices apart.
    var parts: AnswerParts
    /// Counts tokens of thoughts.
    let tokenizer: Tokenizer
    /// Calls of each choice that have been announced.
    private var calls: [Int: Int] = [:]
    private var thoughts: [Int: String] = [:]

    init(
        head: AnswerHead,
        fields: GenerationFields,
        scores: ScoredTokenWriter?,
        promptScores: ScoredTokenWriter?,
        showsThoughts: Bool,
        parts: AnswerParts,
        tokenizer: Tokenizer
    ) {
        self.head = head
        self.fields = fields
        self.scores = scores
        self.promptScores = promptScores
        self.showsThoughts = showsThoughts
        self.parts = parts
        self.tokenizer = tokenizer
    }

    func document(_ answers: CollectedAnswers) -> [UInt8] {
        var usage = answers.usage
        var json = JSONText()
        json.object { json in
            json.members(of: head.json(object: "chat.completion"))
            json.member("choices") { json in
                json.array { json in
                    for choice in answers.choices {
                        var parts = parts
                        let index = choice.index.choice
                        let answer = ChatAnswer(
                            parts.take(choice.text, of: index) + parts.finish(index)
                        )
                        usage.reasoningTokens += tokenizer.count(of: answer.thought)
                        write(choice, answer, to: &json)
                    }
                }
            }
            json.member("usage", usage.json)
            if let promptScores {
                json.member("prompt_logprobs") { json in
                    promptScores.writePrompt(answers.prompts.first?.logprobs ?? [], to: &json)
                }
            }
        }
        return json.bytes
    }

    private func write(
        _ choice: CollectedAnswers.Choice,
        _ answer: ChatAnswer,
        to json: inout JSONText
    ) {
        json.object { json in
            json.member("index", JSONValue(choice.index.choice))
            json.member("message", message(answer, of: choice.index.choice))
            write(logprobs: choice.tokens, to: &json)
            let reason = Self.reason(choice.finishReason, calls: answer.calls.count)
            json.member("finish_reason", .string(reason))
        }
    }

    private func message(_ answer: ChatAnswer, of choice: Int) -> JSONValue {
        let isEmpty = answer.content.utf8.isEmpty && !answer.calls.isEmpty
        var message: JSONObject = [
            "role": "assistant", "content": isEmpty ? nil : .string(answer.content), "refusal": nil,
        ]
        if !answer.thought.utf8.isEmpty, showsThoughts {
            message["reasoning_content"] = .string(answer.thought)
            message["reasoning"] = .string(answer.thought)
        }
        if !answer.calls.isEmpty {
            message["tool_calls"] = .array(
                answer.calls.enumerated().map { index, call in
                    Self.call(
                        call.name,
                        id: head.callID(choice: choice, call: index),
                        call.arguments
                    )
                }
            )
        }
        return .object(message)
    }

    private static func call(_ name: String, id: String, _ arguments: String) -> JSONValue {
        [
            "id": .string(id), "type": "function",
            "function": ["name": .string(name), "arguments": .string(arguments)],
        ]
    }

    /// An answer that ends with calls says so, unless it was cut.
    private static func reason(_ reason: String, calls: Int) -> String {
        calls > 0 && reason == FinishReason.stop.rawValue ? "tool_calls" : reason
    }

    private func write(logprobs tokens: [ScoredToken]?, to json: inout JSONText) {
        guard let scores, let tokens else { return json.member("logprobs", .null) }
        json.member("logprobs") { scores.writeChat(tokens, to: &$0) }
    }

    // MARK: - Streams

    mutating func events(for event: AnswerRun.Event) -> [ServerSentEvent] {
        switch event {
        case .prompt:
            return (0..<fields.count).map { index in
                chunk(index, ["role": "assistant", "content": "", "refusal": nil])
            }
        case .delta(let index, let delta):
            let choice = index.choice
            return chunks(choice, parts.take(delta.text, of: choice), delta.tokens)
        case .finished(let index, let reason, _, _):
            let choice = index.choice
            let rest = chunks(choice, parts.finish(choice), [])
            let reason = Self.reason(reason.rawValue, calls: calls[choice] ?? 0)
            return rest + [chunk(choice, [:], finish: reason)]
        }
    }

    func end(_ usage: CompletionUsage) -> [ServerSentEvent] {
        var usage = usage
        usage.reasoningTokens = thoughts.values.reduce(0) { $0 + tokenizer.count(of: $1) }
        return head.end(object: "chat.completion.chunk", usage, fields)
    }

    /// A chunk for each part; the first carries the log-probabilities of the tokens they came with.
    private mutating func chunks(
        _ choice: Int,
        _ parts: [AnswerPart],
        _ tokens: [ScoredToken]
    ) -> [ServerSentEvent] {
        var deltas: [JSONValue] = []
        for part in parts {
            if let delta = delta(of: part, choice) { deltas.append(delta) }
        }
        // Tokens of markers have log-probabilities and no text.
        if deltas.isEmpty, scores != nil, !tokens.isEmpty { deltas = [["content": ""]] }
        return deltas.enumerated().map { place, delta in
            chunk(choice, delta, place == 0 ? tokens : [])
        }
    }

    private mutating func delta(of part: AnswerPart, _ choice: Int) -> JSONValue? {
        switch part {
        case .content(let text): return ["content": .string(text)]
        case .thought(let text):
            thoughts[choice, default: ""] += text
            guard showsThoughts else { return nil }
            return ["reasoning_content": .string(text), "reasoning": .string(text)]
        case .call(let index, let name):
            calls[choice, default: 0] += 1
            var call: JSONObject = ["index": JSONValue(index)]
            let opened = Self.call(name, id: head.callID(choice: choice, call: index), "")
            for (key, value) in opened.object?.members ?? [] { call[key] = value }
            return ["tool_calls": [.object(call)]]
        case .arguments(let index, let text):
            return [
                "tool_calls": [
                    ["index": JSONValue(index), "function": ["arguments": .string(text)]]
                ]
            ]
        }
    }

    /// One chunk; where usage was asked for, each but the last says `"usage": null`.
    private func chunk(
        _ index: Int,
        _ delta: JSONValue,
        _ tokens: [ScoredToken]? = nil,
        finish: String? = nil
    ) -> ServerSentEvent {
        head.chunk(object: "chat.completion.chunk", fields) { json in
            json.member("index", JSONValue(index))
            json.member("delta", delta)
            write(logprobs: tokens, to: &json)
            json.member("finish_reason", finish.map(JSONValue.string) ?? .null)
        }
    }
}

extension AnswerHead {
    /// A chunk of a stream with one choice, whose members `choice` writes.
    func chunk(
        object: String,
        _ fields: GenerationFields,
        _ choice: (inout JSONText) -> Void
    ) -> ServerSentEvent {
        var text = JSONText()
        text.object { text in
            text.members(of: json(object: object))
            text.member("choices") { $0.array { $0.object(choice) } }
            if fields.includeUsage { text.member("usage", .null) }
        }
        return ServerSentEvent(data: text.bytes)
    }

    /// What ends a stream: a chunk without choices where usage was asked for, and `[DONE]`.
    func end(
        object: String,
        _ usage: CompletionUsage,
        _ fields: GenerationFields
    ) -> [ServerSentEvent] {
        guard fields.includeUsage else { return [.done] }
        var chunk = json(object: object)
        chunk["choices"] = []
        chunk["usage"] = usage.json
        return [ServerSentEvent(.object(chunk)), .done]
    }
}
