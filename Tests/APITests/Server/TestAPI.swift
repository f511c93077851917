@testable import API
import Foundation
import InferenceRuntime
import Logging
import Synchronization
import TestSupport

/// The whole API in process: the same handlers the server has, a generator that follows a script.
struct TestAPI {
    static let baseID = "tiny"

    let generator: ScriptedGenerator
    let state = ServerState()
    let handler: AuthenticatedRouter
    /// `nil` where there are no batches.
    let batches: BatchService?

    init(
        generator: ScriptedGenerator,
        template: String? = TestModel.template,
        defaults: GenerationDefaults = GenerationDefaults(stopTokens: [TestModel.end]),
        hiddenSize: Int? = nil,
        tokenizer: Tokenizer? = nil,
        ring: KeyRing? = nil,
        configuration: FacetServerConfiguration = FacetServerConfiguration(),
        configure: (inout FacetServices) -> Void = { _ in }
    ) throws {
        self.generator = generator
        let model = ServedModel(
            try Self.base(
                templates: try template.map {
                    ChatTemplateSet(main: try ChatTemplate(source: $0), toolUse: nil)
                },
                defaults: defaults,
                tokenizer: tokenizer
            ),
            hash: String(repeating: "a", count: 64),
            created: 1_700_000_000,
            hiddenSize: hiddenSize,
            generator: generator
        )
        var services = FacetServices(model: model)
        configure(&services)
        let routes = services.routes(
            configuration,
            authenticator: Authenticator(ring: ring),
            state: state,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        handler = routes.handler
        batches = routes.batches?.service
    }

    /// The tiny base, without weights.
    static func base(
        templates: ChatTemplateSet?,
        defaults: GenerationDefaults,
        tokenizer: Tokenizer? = nil
    ) throws -> BaseModel {
        BaseModel(
            name: baseID,
            folder: "/models/tiny",
            encoder: ConversationEncoder(
                tokenizer: try tokenizer ?? TestModel.tokenizer(),
                templates: templates
            ),
            defaults: defaults
        )
    }

    /// An API that answers every request with the bytes of `text`.
    init(answering text: String) throws {
        try self.init(generator: ScriptedGenerator(answering: text.utf8.map { Int32($0) }))
    }

    /// What came back.
    struct Reply {
        let status: Int
        let headers: HTTPHeaders
        let body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
        var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }

        /// The documents of an event stream, without `[DONE]`.
        var events: [JSONValue] {
            lines.filter { $0 != "[DONE]" }.map { (try? JSONValue(parsing: $0)) ?? .null }
        }
        var isDone: Bool { lines.last == "[DONE]" }

        private var lines: [String] {
            text.split(separator: "\n").filter { $0.hasPrefix("data: ") }
                .map { String($0.dropFirst(6)) }
        }
    }

    func post(
        _ path: String,
        _ body: JSONValue,
        headers: HTTPHeaders = [:]
    ) async throws -> Reply {
        try await send(.post, path, body: body.serializedBytes, headers: headers)
    }

    func get(_ path: String, headers: HTTPHeaders = [:]) async throws -> Reply {
        try await send(.get, path, body: [], headers: headers)
    }

    func send(
        _ method: HTTPMethod,
        _ path: String,
        body: [UInt8],
        headers: HTTPHeaders = [:]
    ) async throws -> Reply {
        var fields: HTTPHeaders = ["Content-Type": "application/json"]
        fields.merge(headers)
        let request = HTTPRequest(
            method: method,
            target: path,
            headers: fields,
            body: HTTPBody(body)
        )
        let response: HTTPResponse
        do {
            response = try await handler.handle(request)
        } catch let error as APIError {
            response = error.response
        }
        return try await Self.read(response)
    }

    /// Reads a response to its end, as the transport would send it.
    static func read(_ response: HTTPResponse) async throws -> Reply {
        switch response.body {
        case .bytes(let bytes):
            return Reply(status: response.status.rawValue, headers: response.headers, body: bytes)
        case .file(let path, _):
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            return Reply(
                status: response.status.rawValue,
                headers: response.headers,
                body: Array(bytes)
            )
        case .stream(let stream):
            let destination = Collector()
            do {
                try await stream.produce(HTTPBodyWriter(destination))
            } catch let error as APIError where destination.bytes.isEmpty {
                return try await read(error.response)
            }
            return Reply(
                status: response.status.rawValue,
                headers: response.headers,
                body: destination.bytes
            )
        }
    }
}

/// Keeps what a streamed response writes.
private final class Collector: HTTPBodyDestination {
    private let collected = Mutex<[UInt8]>([])

    var bytes: [UInt8] { collected.withLock { $0 } }

    func write(_ bytes: [UInt8]) async throws {
        try Task.checkCancellation()
        collected.withLock { $0 += bytes }
    }
}

/// OpenAI's schemas, which lie in `shared/` beside the checkout when they are there.
enum OpenAISchemas {
    static let document: JSONValue? = {
        guard let path = SharedData.folder("openai/openapi.json"),
            let text = try? String(contentsOfFile: path, encoding: .utf8)
        else { return nil }
        return try? JSONValue(parsing: text)
    }()

    /// What is wrong with a document; nothing where the schemas are not there.
    static func problems(_ name: String, _ value: JSONValue) -> [String] {
        guard let document else { return [] }
        guard let schema = JSONSchema(named: name, in: document) else {
            return ["no schema \(name)"]
        }
        return schema.problems(with: value)
    }
}
