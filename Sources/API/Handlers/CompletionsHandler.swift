import InferenceRuntime
import Logging

/// `POST /v1/completions`: text or tokens in, what follows out; also scores texts.
struct CompletionsHandler: APIHandler {
    let selector: AdapterSelector
    let encoder: PromptEncoder
    let planner: AnswerPlanner

    func respond(to request: HTTPRequest, for caller: Caller) async throws -> HTTPResponse {
        let body = try CompletionRequest(try await request.jsonFields())
        request.log["model"] = "\(body.generation.model.prefix(200))"
        let source = try await selector.source(
            for: body.generation,
            caller,
            requestID: request.id
        )
        var prompts: [[Int32]] = []
        for prompt in body.prompts { prompts.append(try encoder.tokens(of: prompt)) }
        let echoes = body.echo ? zip(body.prompts, prompts).map(echo) : []
        let run = try planner.plan(
            shape(of: body, prompts, echoes),
            body.generation,
            source: source,
            for: caller,
            id: request.id
        )
        let writer = CompletionWriter(
            head: planner.head(prefix: "cmpl-", body.generation, source),
            body: body,
            echoes: echoes
        )
        var response =
            body.generation.stream
            ? stream(run, writer, source) : .json(try await answer(run, writer))
        response.headers.merge(source.headers)
        return response
    }

    private func shape(
        of body: CompletionRequest,
        _ prompts: [[Int32]],
        _ echoes: [EchoedPrompt]
    ) -> AnswerPlanner.Shape {
        // Choosing the best needs log-probabilities even where none are shown.
        let ranked = body.bestOf > body.generation.count ? 0 : nil
        return AnswerPlanner.Shape(
            prompts: prompts,
            choices: body.bestOf,
            maxTokens: body.maxTokens,
            logprobs: body.logprobs ?? ranked,
            promptLogprobs: body.echo ? body.logprobs : nil,
            showsEnd: body.logprobs != nil,
            continuesPrompts: true,
            offsets: echoes.map(\.scalars),
            param: "prompt"
        )
    }

    private func echo(_ prompt: CompletionRequest.Prompt, _ tokens: [Int32]) -> EchoedPrompt {
        EchoedPrompt(prompt, tokens, encoder.tokenizer)
    }

    private func answer(_ run: AnswerRun, _ writer: CompletionWriter) async throws -> JSONValue {
        var collected = CollectedAnswers(run)
        try await run.forEach { collected.take($0) }
        return writer.body(collected)
    }

    private func stream(
        _ run: AnswerRun,
        _ writer: CompletionWriter,
        _ source: AnswerSource
    ) -> HTTPResponse {
        .eventStream { events in
            var usage = CompletionUsage()
            try await run.forEach { event in
                usage.count(event, run)
                for chunk in writer.chunks(event) { try await events.send(chunk) }
            }
            if let chunk = writer.usageChunk(usage) { try await events.send(chunk) }
            try await events.done()
            withExtendedLifetime(source) {}
        }
    }
}
