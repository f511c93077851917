import InferenceRuntime
import Logging
import Storage

/// Answers requests, whatever protocol they come in.
///
/// A protocol brings a function that decodes its body into an `AnswerRequest`, and an
/// `AnswerWriter` for the way back.
struct AnswerEndpoint: Sendable {
    let encoder: PromptEncoder
    let selector: AdapterSelector
    let metrics: ServerMetrics

    /// Decodes the fields of one protocol; the shared ones have been read.
    typealias Decoder =
        @Sendable (RequestFields, GenerationFields, PromptEncoder) throws(APIError) -> AnswerRequest

    /// A request of another protocol in the words of OpenAI's chat.
    struct Translated {
        let fields: RequestFields
        /// What the protocol calls fields that chat calls by another name, for errors.
        var names: KeyValuePairs<String, String> = [:]
        let decode: Decoder

        /// An error about a field, with the protocol's name for it.
        func worded(_ error: APIError) -> APIError {
            guard let param = error.param,
                let (chat, own) = names.first(where: { name, _ in
                    param == name || param.hasPrefix(name + ".")
                })
            else { return error }
            var error = error
            error.param = own + param.dropFirst(chat.count)
            error.message = error.message.replacing("'\(param)'", with: "'\(error.param ?? own)'")
            return error
        }
    }

    typealias Translator = @Sendable (RequestFields, Caller) throws(APIError) -> Translated

    /// The route of a protocol in OpenAI's words.
    func route(_ decode: @escaping Decoder) -> RouteHandler {
        route(translating: { fields, _ throws(APIError) in
            Translated(fields: fields, decode: decode)
        })
    }

    /// The route of a protocol in words of its own.
    func route(translating translate: @escaping Translator) -> RouteHandler {
        { request, caller in try await respond(to: request, for: caller, translate) }
    }

    /// The tokens of the prompts that a request would be answered to.
    func count(
        _ request: HTTPRequest,
        translating translate: @escaping @Sendable (RequestFields) throws(APIError) -> RequestFields
    ) async throws -> Int {
        try await request.decode { [encoder] fields throws(APIError) in
            try encoder.prompt(of: try ChatConversation(try translate(fields))).tokens.count
        }
    }

    private func respond(
        to request: HTTPRequest,
        for caller: Caller,
        _ translate: @escaping Translator
    ) async throws -> HTTPResponse {
        let (decoded, adapters, grammar) = try await request.decode {
            [log = request.log, id = request.id] fields throws(APIError) in
            let chat = try translate(fields, caller)
            do throws(APIError) {
                let shared = try GenerationFields(chat.fields)
                log["model"] = "\(shared.model.prefix(200))"
                let adapters = try selector.resolve(shared, caller, requestID: id)
                let asked = try chat.decode(chat.fields, shared, encoder)
                let context = encoder.model.generator.contextTokens
                let grammar = try asked.constraint?.compile(encoder.model.grammars)
                return (try asked.bounded(contextTokens: context), adapters, grammar)
            } catch {
                throw chat.worded(error)
            }
        }
        try request.body.reservation?.take(
            decoded.answerBytes(
                contextTokens: encoder.model.generator.contextTokens,
                hiddenSize: encoder.model.hiddenSize ?? 0
            )
        )
        let source = try await selector.lease(adapters)
        let asked = try await suited(decoded, to: source.mix, request)
        let tokens = asked.prompts.reduce(0) { $0 + $1.count }
        await caller.admission?.provide(tokens: tokens)
        try caller.admission?.takePrompt(tokens: tokens)
        var run = AnswerRun(asked, source, encoder.model, for: caller, metrics, id: request.id)
        run.hold(to: grammar)
        let writer = timed(asked.writer(head(asked, source)), &run, request)
        var response =
            asked.fields.stream
            ? stream(run, writer) : .json(bytes: try await document(run, writer))
        response.headers.merge(source.headers)
        response.headers.merge(asked.headers)
        return response
    }

    /// The request as the adapters take it that answer.
    private func suited(
        _ asked: AnswerRequest,
        to mix: AdapterMix,
        _ request: HTTPRequest
    ) async throws -> AnswerRequest {
        guard let suited = asked.suited else { return asked }
        let bytes = request.body.declaredLength ?? 0
        return try await ProcessorWork.run(bytes: bytes) { () throws(APIError) in
            try suited(mix) ?? asked
        }
    }

    /// The writer, which adds timings where they are asked for.
    private func timed(
        _ writer: any AnswerWriter,
        _ run: inout AnswerRun,
        _ request: HTTPRequest
    ) -> any AnswerWriter {
        let header = request.headers["x-facet-timings"] ?? "0"
        let isEachTimed = run.asked.fields.timesEachToken
        guard run.asked.isTimed || isEachTimed || !["0", "false"].contains(header) else {
            return writer
        }
        let timings = AnswerTimings()
        run.timings = timings
        return TimedWriter(writer, timings, eachEvent: isEachTimed)
    }

    /// The whole answer in one body.
    private func document(_ run: AnswerRun, _ writer: any AnswerWriter) async throws -> [UInt8] {
        var collected = CollectedAnswers(run)
        try await run.forEach { collected.take($0) }
        let bytes = await Self.document(collected, writer)
        try await run.asked.keep?(bytes)
        return bytes
    }

    private static func document(
        _ collected: CollectedAnswers,
        _ writer: any AnswerWriter
    ) async -> [UInt8] {
        await ProcessorWork.run(bytes: collected.estimatedBytes) { writer.document(collected) }
    }

    /// The answer in events as it comes.
    private func stream(_ run: AnswerRun, _ writer: any AnswerWriter) -> HTTPResponse {
        .eventStream { [unused = writer] stream in
            var writer = unused
            var kept = run.asked.keep.map { (CollectedAnswers(run), $0) }
            var usage = CompletionUsage()
            do {
                try await run.forEach { event in
                    usage.count(event, run)
                    kept?.0.take(event)
                    let events = await Self.events(for: event, of: run, &writer)
                    for event in events { try await stream.send(event) }
                }
                if let (collected, keep) = kept {
                    try await keep(await Self.document(collected, unused))
                }
            } catch let error as APIError {
                throw writer.worded(error)
            }
            for event in writer.end(usage) { try await stream.send(event) }
        }
    }

    private static func events(
        for event: AnswerRun.Event,
        of run: AnswerRun,
        _ writer: inout any AnswerWriter
    ) async -> [ServerSentEvent] {
        guard case .prompt(_, let summary) = event, let logprobs = summary.logprobs else {
            return writer.events(for: event)
        }
        // All tokens of an echoed prompt come at once.
        let bytes = CollectedAnswers.estimatedBytes(of: logprobs.count, run)
        let (events, written) = await ProcessorWork.run(bytes: bytes) { [writer] in
            var writer = writer
            return (writer.events(for: event), writer)
        }
        writer = written
        return events
    }

    private func head(_ asked: AnswerRequest, _ source: AnswerSource) -> AnswerHead {
        AnswerHead(
            id: RandomID.make(prefix: asked.idPrefix),
            created: UnixTime.now,
            model: asked.fields.model,
            fingerprint: Fingerprint.make(
                [FacetVersion.text, encoder.model.hash] + source.generations
            )
        )
    }
}

/// Equal where base, adapters and program are: FNV-1a, since nobody attacks it.
enum Fingerprint {
    static func make(_ parts: [String]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for part in parts {
            for byte in part.utf8 + [0] {
                hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
            }
        }
        let digits = String(hash, radix: 16)
        return "fp_" + String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
