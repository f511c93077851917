import InferenceRuntime
import Storage
import TestSupport
import Testing

@testable import API

@Suite("Batches")
struct BatchesTests {
    static let chat = "/v1/chat/completions"

    /// A line of a batch's file.
    static func line(
        _ id: String,
        model: String = "tiny",
        url: String = chat,
        body: JSONObject? = nil
    ) -> String {
        let usual: JSONObject = [
            "model": .string(model), "messages": [["role": "user", "content": .string(id)]],
        ]
        let line: JSONValue = [
            "custom_id": .string(id), "method": "POST", "url": .string(url),
            "body": .object(body ?? usual),
        ]
        return line.serialized + "\n"
    }

    /// Uploads lines and makes a batch of them.
    static func create(
        _ lines: String,
        in world: TestWorld,
        endpoint: String = chat,
        more: JSONObject = [:],
        as key: String = "acme"
    ) async throws -> TestAPI.Reply {
        let file = try await world.upload(lines, purpose: "batch", as: key)
        var body: JSONObject = [
            "input_file_id": file.json["id"] ?? .null, "endpoint": .string(endpoint),
            "completion_window": "24h",
        ]
        for (key, value) in more.members { body[key] = value }
        return try await world.post("/v1/batches", .object(body), as: key)
    }

    /// The batch when it is over.
    static func ended(
        _ reply: TestAPI.Reply,
        in world: TestWorld,
        as key: String = "acme"
    ) async throws -> JSONValue {
        let id = try #require(reply.json["id"]?.string, "\(reply.text)")
        for _ in 0..<2_000 {
            let batch = try await world.get("/v1/batches/\(id)", as: key).json
            let status = batch["status"]?.string.flatMap { RequestBatch.Status(rawValue: $0) }
            if status?.isLive == false { return batch }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw APIError.badRequest("the batch does not end")
    }

    /// The records of a file that a batch names.
    static func records(
        _ batch: JSONValue,
        _ member: String,
        in world: TestWorld
    ) async throws -> [JSONValue] {
        guard let id = batch[member]?.string else { return [] }
        let file = try await world.get("/v1/files/\(id)").json
        #expect(file["purpose"] == "batch_output")
        let text = try await world.get("/v1/files/\(id)/content").text
        return try text.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
    }

    @Test("lines are answered in a file in their order, and errors in another")
    func wholeWay() async throws {
        let world = try await TestWorld()
        let lines =
            Self.line("a") + "\n" + Self.line("b", model: "nobody") + Self.line("c")
            + Self.line("d", body: ["model": "tiny", "messages": [], "stream": true])
        let made = try await Self.create(lines, in: world, more: ["metadata": ["night": "1"]])
        #expect(made.status == 200 && made.json["status"] == "validating")
        #expect(OpenAISchemas.problems("Batch", made.json) == [])
        let batch = try await Self.ended(made, in: world)
        #expect(OpenAISchemas.problems("Batch", batch) == [])
        #expect(batch["status"] == "completed" && batch["metadata"] == ["night": "1"])
        #expect(batch["request_counts"] == ["total": 4, "completed": 2, "failed": 2])
        #expect(batch["usage"]?["output_tokens"]?.int == 6)
        for key in ["in_progress_at", "finalizing_at", "completed_at"] {
            #expect(batch[key]?.int != nil, "\(key)")
        }
        let answers = try await Self.records(batch, "output_file_id", in: world)
        #expect(answers.map { $0["custom_id"] } == ["a", "c"])
        for answer in answers {
            #expect(answer["error"]?.isNull == true)
            #expect(answer["response"]?["status_code"] == 200)
            let body = answer["response"]?["body"]
            #expect(body?["choices"]?.array?.first?["message"]?["content"] == "hi")
            #expect(
                OpenAISchemas.problems("CreateChatCompletionResponse", body ?? .null) == []
            )
        }
        let errors = try await Self.records(batch, "error_file_id", in: world)
        #expect(errors.map { $0["custom_id"] } == ["b", "d"])
        #expect(errors.map { $0["response"]?["status_code"] } == [404, 400])
        #expect(errors.first?["response"]?["body"]?["error"]?["code"] == "model_not_found")
        #expect(world.generator.requests.allSatisfy { $0.isBackground })
        #expect(world.generator.requests.map(\.fairnessKey) == ["batch/acme", "batch/acme"])
    }

    @Test("completions and responses are answered too, and an endpoint that fails says so")
    func endpoints() async throws {
        let world = try await TestWorld()
        for (endpoint, body) in [
            ("/v1/completions", ["model": "tiny", "prompt": "x"] as JSONObject),
            ("/v1/responses", ["model": "tiny", "input": "x"]),
            ("/v1/embeddings", ["model": "tiny", "input": "x"]),
        ] {
            let line = Self.line("a", url: endpoint, body: body)
            let made = try await Self.create(line, in: world, endpoint: endpoint)
            let batch = try await Self.ended(made, in: world)
            let isServed = endpoint != "/v1/embeddings"
            let counts: JSONValue = [
                "total": 1, "completed": isServed ? 1 : 0, "failed": isServed ? 0 : 1,
            ]
            #expect(batch["request_counts"] == counts, "\(endpoint)")
            #expect(batch["output_file_id"] != nil || !isServed)
        }
    }

    @Test("a file that is none of requests fails its batch, which names line and reason")
    func invalid() async throws {
        let world = try await TestWorld()
        func errors(_ lines: String) async throws -> [String] {
            let batch = try await Self.ended(try await Self.create(lines, in: world), in: world)
            #expect(OpenAISchemas.problems("Batch", batch) == [])
            #expect(batch["status"] == "failed" && batch["failed_at"]?.int != nil)
            return (batch["errors"]?["data"]?.array ?? []).map {
                "\($0["line"]?.int ?? 0) \($0["code"]?.string ?? "") \($0["param"]?.string ?? "-")"
            }
        }
        #expect(try await errors("\n \n") == ["0 empty_file -"])
        let mixed =
            Self.line("a") + "nonsense\n" + "[]\n" + Self.line("a") + Self.line("b", url: "/v1/x")
            + #"{"custom_id": "c", "method": "GET", "url": "\#(Self.chat)", "body": {}}"# + "\n"
            + #"{"method": "POST"}"# + "\n" + #"{"custom_id": "d"}"#
        #expect(
            try await errors(mixed) == [
                "2 invalid_json_line -", "3 invalid_json_line -",
                "4 duplicate_custom_id custom_id", "5 mismatched_url url", "6 invalid_value method",
                "7 missing_required_parameter custom_id", "8 missing_required_parameter method",
            ]
        )
        #expect(try await errors(String(repeating: "x\n", count: 500)).count == 100)
        #expect(world.generator.requests.isEmpty)
    }

    @Test("what cannot be a batch is refused at once")
    func refused() async throws {
        let world = try await TestWorld()
        let file = try await world.upload(TestWorld.example).json["id"] ?? .null
        let other =
            try await world.upload(Self.line("a"), purpose: "batch", as: "other").json["id"]
            ?? .null
        func status(_ members: JSONObject) async throws -> Int {
            var body: JSONObject = [
                "input_file_id": other, "endpoint": .string(Self.chat), "completion_window": "24h",
            ]
            for (key, value) in members.members { body[key] = value }
            return try await world.post("/v1/batches", .object(body)).status
        }
        #expect(try await status([:]) == 404, "another tenant's file")
        #expect(try await status(["input_file_id": "file-none"]) == 404)
        #expect(try await status(["input_file_id": file]) == 400, "another purpose")
        #expect(try await status(["endpoint": "/v1/moderations"]) == 400)
        #expect(try await status(["completion_window": "1h"]) == 400)
        #expect(try await status(["metadata": ["a": 1]]) == 400)
        let soon: JSONValue = ["anchor": "created_at", "seconds": 5]
        #expect(try await status(["output_expires_after": soon]) == 400)
        #expect(try await world.get("/v1/batches").json["data"] == [])
    }

    @Test("batches are listed newest first, each tenant's by itself")
    func lists() async throws {
        let world = try await TestWorld()
        var ids: [String] = []
        for index in 0..<3 {
            let made = try await Self.create(Self.line("\(index)"), in: world)
            ids.append(try #require(made.json["id"]?.string))
            _ = try await Self.ended(made, in: world)
        }
        let page = try await world.get("/v1/batches?limit=2")
        #expect(OpenAISchemas.problems("ListBatchesResponse", page.json) == [])
        #expect(StoredCompletionsTests.ids(page) == [ids[2], ids[1]])
        #expect(page.json["has_more"] == true)
        let rest = try await world.get("/v1/batches?after=\(ids[1])")
        #expect(StoredCompletionsTests.ids(rest) == [ids[0]])
        #expect(StoredCompletionsTests.ids(try await world.get("/v1/batches", as: "other")) == [])
        #expect(
            StoredCompletionsTests.ids(try await world.get("/v1/batches", as: "ops")).count == 3
        )
        for path in ["/v1/batches/\(ids[0])", "/v1/batches/\(ids[0])/cancel"] {
            let method: HTTPMethod = path.hasSuffix("cancel") ? .post : .get
            let reply = try await world.api.send(
                method,
                path,
                body: [],
                headers: world.headers("other")
            )
            #expect(reply.status == 404)
        }
        #expect(try await world.post("/v1/batches/\(ids[0])/cancel", [:]).status == 409)
    }

    @Test("results go when their time is over, and answers that ask for it are kept")
    func lifetimes() async throws {
        let world = try await TestWorld()
        let expiry: JSONObject = [
            "output_expires_after": ["anchor": "created_at", "seconds": 3_600]
        ]
        let body = StoredCompletionsTests.request().object
        let made = try await Self.create(Self.line("a", body: body), in: world, more: expiry)
        let batch = try await Self.ended(made, in: world)
        let id = try #require(batch["output_file_id"]?.string)
        let file = try await world.get("/v1/files/\(id)").json
        let created = try #require(file["created_at"]?.int)
        #expect(file["expires_at"]?.int == created + 3_600)
        #expect(StoredCompletionsTests.ids(try await world.get(Self.chat)).count == 1)
    }
}
