import InferenceRuntime
import Logging

/// `POST /v1/chat/completions`: messages in, a message out.
struct ChatCompletionsHandler: APIHandler {
    let selector: AdapterSelector
    let encoder: PromptEncoder
    let planner: AnswerPlanner

    func respond(to request: HTTPRequest, for caller: Caller) async throws -> HTTPResponse {
        let body = try ChatCompletionRequest(try await request.jsonFields())
        request.log["model"] = "\(body.generation.model.prefix(200))"
        let source = try await selector.source(
            for: body.generation,
            caller,
            requestID: request.id
        )
        let prompt = try encoder.tokens(of: body.conversation)
        let run = try planner.plan(
            shape(of: body, prompt),
            body.generation,
            source: source,
            for: caller,
            id: request.id
        )
        let head = planner.head(prefix: "chatcmpl-", body.generation, source)
        var response =
            body.generation.stream
            ? stream(run, head, body, source) : .json(try await answer(run, head, body))
        response.headers.merge(source.headers)
        return response
    }

    private func shape(
        of body: ChatCompletionRequest,
        _ prompt: [Int32]
    ) -> AnswerPlanner.Shape {
        AnswerPlanner.Shape(
            prompts: [prompt],
            choices: body.generation.count,
            maxTokens: body.maxTokens,
            logprobs: body.logprobs,
            promptLogprobs: nil,
            showsEnd: false,
            continuesPrompts: false,
            offsets: [],
            param: "messages"
        )
    }

    /// The whole answer in one body.
    private func answer(
        _ run: AnswerRun,
        _ head: AnswerHead,
        _ body: ChatCompletionRequest
    ) async throws -> JSONValue {
        var collected = CollectedAnswers(run)
        try await run.forEach { collected.take($0) }
        let choices = collected.choices.map { choice in
            ChatCompletionAnswer.Choice(
                index: choice.index.choice,
                text: choice.text,
                tokens: body.logprobs == nil ? nil : choice.tokens,
                finishReason: choice.finishReason
            )
        }
        return ChatCompletionAnswer.body(head, choices: choices, usage: collected.usage)
    }

    /// The answer in chunks as it comes; `source` is held until the last is out.
    private func stream(
        _ run: AnswerRun,
        _ head: AnswerHead,
        _ body: ChatCompletionRequest,
        _ source: AnswerSource
    ) -> HTTPResponse {
        .eventStream { events in
            let announces = body.generation.includeUsage
            func send(_ index: Int, _ delta: ChatCompletionAnswer.Delta) async throws {
                try await events.send(
                    ChatCompletionAnswer.chunk(
                        head,
                        index: index,
                        delta,
                        announcingUsage: announces
                    )
                )
            }
            var usage = CompletionUsage()
            try await run.forEach { event in
                usage.count(event, run)
                switch event {
                case .prompt:
                    for index in 0..<body.generation.count { try await send(index, .role) }
                case .delta(let index, let delta):
                    let tokens = body.logprobs == nil ? nil : delta.tokens
                    try await send(index.choice, .content(delta.text, tokens))
                case .finished(let index, let reason, _):
                    try await send(index.choice, .finish(reason.rawValue))
                }
            }
            if announces {
                try await events.send(ChatCompletionAnswer.usageChunk(head, usage))
            }
            try await events.done()
            withExtendedLifetime(source) {}
        }
    }
}
