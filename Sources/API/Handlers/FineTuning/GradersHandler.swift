import InferenceRuntime
import Storage
import Trainer

/// `/v1/fine_tuning/alpha/graders/run` and `…/validate`.
struct GradersHandler: Sendable {
    /// The route of chat completions: models that grade are asked as a client would.
    let chat: RouteHandler
    /// The route of scores: reward models are asked there.
    let scores: RouteHandler

    /// A grader as it was understood, or what is wrong with it.
    func validate(_ request: HTTPRequest, _: Caller) async throws -> HTTPResponse {
        let grader = try await request.decode { fields throws(APIError) in
            let json = try fields.required("grader")
            _ = try Self.grader(json)
            return json
        }
        return .json(["grader": grader])
    }

    /// The grade of one answer.
    func run(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let (grader, type, values) = try await request.decode { fields throws(APIError) in
            let json = try fields.required("grader")
            let item = fields["item"] ?? .object(JSONObject())
            guard item.object != nil else {
                throw .wrongType("item", expected: "an object", got: item)
            }
            return (
                try Self.grader(json), json["type"]?.string ?? "",
                GraderValues(item: item, output: try fields.requiredString("model_sample"))
            )
        }
        let start = ContinuousClock.now
        let judge = ChatJudge(chat: chat, scores: scores, caller: caller, id: request.id)
        let (grade, failure) = try await Self.grade(grader, values, judge)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        return .json(Self.json(grade, failure, grader, type: type, seconds: seconds))
    }

    private static func grader(_ json: JSONValue) throws(APIError) -> Grader {
        do throws(GraderError) {
            return try Grader(json)
        } catch {
            guard case .invalid(let param, let message) = error else { throw .internalError }
            throw .invalid(param, message, code: "invalid_grader")
        }
    }

    /// The grade, or what kept an answer from having one.
    private static func grade(
        _ grader: Grader,
        _ values: GraderValues,
        _ judge: ChatJudge
    ) async throws -> (Grade, GraderError?) {
        do {
            return (try await grader.grade(values, judge), nil)
        } catch let error as GraderError {
            return (Grade(reward: 0), error)
        }
    }

    private static func json(
        _ grade: Grade,
        _ failure: GraderError?,
        _ grader: Grader,
        type: String,
        seconds: Double
    ) -> JSONValue {
        let parts = JSONObject(grade.parts.map { (key: $0.key, value: JSONValue($0.score)) })
        let tokens = grade.tokens.sorted { $0.key < $1.key }
        let used = tokens.reduce(0) { $0 + $1.value }
        return [
            "reward": JSONValue(grade.reward),
            "metadata": [
                "name": .string(grader.name), "type": .string(type),
                "errors": errors(failure), "execution_time": JSONValue(seconds),
                "scores": .object(
                    grade.parts.isEmpty ? [grader.name: JSONValue(grade.reward)] : parts
                ),
                "token_usage": tokens.isEmpty ? .null : JSONValue(used),
                "sampled_model_name": tokens.first.map { .string($0.key) } ?? .null,
            ],
            "sub_rewards": .object(parts),
            "model_grader_token_usage_per_model": .object(
                JSONObject(
                    tokens.map { (key: $0.key, value: ["total_tokens": JSONValue($0.value)]) }
                )
            ),
        ]
    }

    /// OpenAI's flags, and beside them a sentence.
    private static func errors(_ failure: GraderError?) -> JSONValue {
        var (variable, sample, formula, server, parse, other) = (
            false, false, false, false, false, false
        )
        switch failure {
        case nil: break
        case .missing: variable = true
        case .notJSON: sample = true
        case .noNumber: formula = true
        case .notAnswered: server = true
        case .noGrade: parse = true
        case .invalid: other = true
        }
        let message = failure.map { JSONValue.string($0.message) } ?? .null
        return [
            "formula_parse_error": .bool(formula), "sample_parse_error": .bool(sample),
            "sample_parse_error_details": sample ? message : .null,
            "truncated_observation_error": false, "unresponsive_reward_error": false,
            "invalid_variable_error": .bool(variable),
            "invalid_variable_error_details": variable ? message : .null,
            "other_error": .bool(other), "python_grader_server_error": false,
            "python_grader_server_error_type": .null, "python_grader_runtime_error": false,
            "python_grader_runtime_error_details": .null,
            "model_grader_server_error": .bool(server), "model_grader_refusal_error": false,
            "model_grader_parse_error": .bool(parse),
            "model_grader_server_error_details": server || parse ? message : .null,
        ]
    }
}

/// Models that grade, asked through chat completions and scores with the caller's own rights and
/// limits.
struct ChatJudge: GraderJudge {
    let chat: RouteHandler
    let scores: RouteHandler
    let caller: Caller
    let id: String

    init(
        chat: @escaping RouteHandler,
        scores: @escaping RouteHandler,
        caller: Caller,
        id: String
    ) {
        (self.chat, self.scores, self.caller, self.id) = (chat, scores, caller, id)
    }

    /// Asks for a tenant's jobs, below requests.
    init(chat: @escaping RouteHandler, scores: @escaping RouteHandler, job tenant: TenantID) {
        self.init(
            chat: chat,
            scores: scores,
            caller: Caller(
                tenant: tenant,
                rights: [.infer],
                keyID: nil,
                storedBytes: nil,
                admission: nil,
                isBackground: true
            ),
            id: RandomID.make(prefix: "req_")
        )
    }

    func score(
        _ question: GraderQuestion,
        _ messages: [(role: String, content: String)]
    ) async throws -> (score: Double?, tokens: Int) {
        let schema: JSONValue = [
            "type": "object", "properties": ["result": ["type": "number"]], "required": ["result"],
            "additionalProperties": false,
        ]
        let format: JSONValue = [
            "type": "json_schema",
            "json_schema": ["name": "grade", "strict": true, "schema": schema],
        ]
        let (text, tokens) = try await ask(question, messages, ["response_format": format])
        return ((try? JSONValue(parsing: text))?["result"]?.double, tokens)
    }

    func reward(
        _ question: GraderQuestion,
        _ messages: [(role: String, content: String)]
    ) async throws -> (score: Double?, tokens: Int) {
        let body: JSONObject = [
            "model": .string(question.model), "messages": Self.json(messages),
        ]
        let answer = try await ask(question, scores, "/v1/score", body)
        return (
            answer["data"]?.array?.first?["score"]?.double,
            answer["usage"]?["total_tokens"]?.int ?? 0
        )
    }

    func label(
        _ question: GraderQuestion,
        _ messages: [(role: String, content: String)],
        _ labels: [String]
    ) async throws -> (label: String?, tokens: Int) {
        let choice: JSONValue = ["choice": .array(labels.map { .string($0) })]
        let (text, tokens) = try await ask(question, messages, ["structured_outputs": choice])
        return (text, tokens)
    }

    private func ask(
        _ question: GraderQuestion,
        _ messages: [(role: String, content: String)],
        _ constraint: JSONObject
    ) async throws -> (text: String, tokens: Int) {
        var body: JSONObject = [
            "model": .string(question.model), "temperature": 0, "max_completion_tokens": 256,
            "messages": Self.json(messages),
        ]
        for (key, value) in constraint.members { body[key] = value }
        for (key, value) in question.sampling.members where !value.isNull {
            body[key == "max_completions_tokens" ? "max_completion_tokens" : key] = value
        }
        let answer = try await ask(question, chat, "/v1/chat/completions", body)
        return (
            answer["choices"]?.array?.first?["message"]?["content"]?.string ?? "",
            answer["usage"]?["total_tokens"]?.int ?? 0
        )
    }

    private static func json(_ messages: [(role: String, content: String)]) -> JSONValue {
        .array(messages.map { ["role": .string($0.role), "content": .string($0.content)] })
    }

    private func ask(
        _ question: GraderQuestion,
        _ route: RouteHandler,
        _ path: String,
        _ body: JSONObject
    ) async throws -> JSONValue {
        let request = HTTPRequest(
            method: .post,
            target: path,
            headers: ["Content-Type": "application/json"],
            body: HTTPBody(JSONValue.object(body).serializedBytes),
            id: id
        )
        do {
            // The route asks for no right of its own: who calls it does.
            try caller.require(anyOf: [.infer])
            let response = try await route(request, caller)
            guard case .bytes(let bytes) = response.body else { throw APIError.internalError }
            return try JSONValue(parsing: bytes)
        } catch let error as APIError {
            throw GraderError.notAnswered("'\(question.model)': \(error.message)")
        }
    }
}
