import InferenceRuntime
import Storage
import Testing
import Trainer

@testable import API

@Suite("Stored completions")
struct StoredCompletionsTests {
    static let path = "/v1/chat/completions"

    /// A request that asks to keep its answer, `hi`.
    static func request(
        _ text: String = "hello",
        metadata: JSONValue = [:],
        more: JSONObject = [:]
    ) -> JSONValue {
        var body: JSONObject = [
            "model": "tiny", "store": true, "metadata": metadata,
            "messages": [["role": "user", "content": .string(text)]],
        ]
        for (key, value) in more.members { body[key] = value }
        return .object(body)
    }

    static func store(_ world: TestWorld, _ body: JSONValue, as key: String = "acme") async throws
        -> String
    {
        let reply = try await world.post(path, body, as: key)
        #expect(reply.status == 200, "\(reply.text)")
        return try #require(reply.json["id"]?.string ?? reply.events.first?["id"]?.string)
    }

    static func ids(_ reply: TestAPI.Reply) -> [String] {
        (reply.json["data"]?.array ?? []).compactMap { $0["id"]?.string }
    }

    @Test("an answer is kept when its request asks for it, read, changed and forgotten")
    func wholeWay() async throws {
        let world = try await TestWorld()
        _ = try await world.post(Self.path, Self.request(more: ["store": false]))
        _ = try await world.post(Self.path, Self.request(more: ["store": nil]))
        #expect(Self.ids(try await world.get(Self.path)) == [])
        let answer = try await world.post(Self.path, Self.request(metadata: ["topic": "greeting"]))
        let id = try #require(answer.json["id"]?.string)
        let found = try await world.get(Self.path + "/" + id)
        #expect(OpenAISchemas.problems("CreateChatCompletionResponse", found.json) == [])
        for (key, value) in answer.json.object?.members ?? [] { #expect(found.json[key] == value) }
        #expect(found.json["metadata"] == ["topic": "greeting"])
        let changed = try await world.post(Self.path + "/" + id, ["metadata": ["rating": "up"]])
        #expect(changed.status == 200 && changed.json["metadata"] == ["rating": "up"])
        #expect(try await world.get(Self.path + "/" + id).json == changed.json)
        let deleted = try await world.delete(Self.path + "/" + id)
        let expected: JSONValue = [
            "object": "chat.completion.deleted", "id": .string(id), "deleted": true,
        ]
        #expect(deleted.json == expected)
        #expect(try await world.get(Self.path + "/" + id).status == 404)
        #expect(try await world.delete(Self.path + "/" + id).status == 404)
        #expect(try await world.post(Self.path + "/" + id, ["metadata": [:]]).status == 404)
    }

    @Test("what is kept of a stream is the answer it sent, tool calls with their ids")
    func streams() async throws {
        let world = try await TestWorld()
        let id = try await Self.store(world, Self.request(more: ["stream": true]))
        let found = try await world.get(Self.path + "/" + id).json
        let choice = found["choices"]?.array?.first
        #expect(choice?["message"]?["content"] == "hi" && choice?["finish_reason"] == "stop")
        #expect(found["object"] == "chat.completion")
        #expect(found["usage"]?["completion_tokens"]?.int == 3)
        let head = AnswerHead(id: "chatcmpl-a", created: 1, model: "m", fingerprint: "f")
        let call = head.callID(choice: 0, call: 1)
        #expect(call == head.callID(choice: 0, call: 1) && call.utf8.count == 29)
        #expect(call != head.callID(choice: 1, call: 0))
    }

    @Test("lists go page by page, in both orders, by model and metadata")
    func lists() async throws {
        let world = try await TestWorld()
        var ids: [String] = []
        for index in 0..<5 {
            let metadata: JSONValue = ["n": .string("\(index % 2)"), "a\"b'c": "x"]
            ids.append(try await Self.store(world, Self.request(metadata: metadata)))
        }
        func list(_ query: String) async throws -> [String] {
            let reply = try await world.get(Self.path + query)
            #expect(OpenAISchemas.problems("ChatCompletionList", reply.json) == [])
            return Self.ids(reply)
        }
        #expect(try await list("") == ids)
        #expect(try await list("?order=desc&limit=2") == [ids[4], ids[3]])
        #expect(try await list("?after=\(ids[1])&limit=2") == [ids[2], ids[3]])
        #expect(try await list("?order=desc&after=\(ids[1])") == [ids[0]])
        #expect(try await list("?metadata[n]=1") == [ids[1], ids[3]])
        #expect(try await list("?metadata%5Bn%5D=1&metadata[a%22b'c]=x") == [ids[1], ids[3]])
        #expect(try await list("?metadata[n]=1&metadata[other]=x") == [])
        #expect(try await list("?model=tiny") == ids)
        #expect(try await list("?model=other") == [])
        #expect(try await world.get(Self.path + "?limit=3").json["has_more"] == true)
        #expect(try await world.get(Self.path + "?limit=5").json["has_more"] == false)
        #expect(try await world.get(Self.path + "?after=chatcmpl-none").status == 404)
        #expect(try await world.get(Self.path + "?order=up").status == 400)
    }

    @Test("the messages of a request are listed with their ids")
    func messages() async throws {
        let world = try await TestWorld()
        let parts: JSONValue = [["type": "text", "text": "he"], ["type": "text", "text": "llo"]]
        let id = try await Self.store(
            world,
            Self.request(more: [
                "messages": [
                    ["role": "system", "content": "be kind"], ["role": "user", "content": parts],
                ]
            ])
        )
        let path = "\(Self.path)/\(id)/messages"
        let all = try await world.get(path).json
        let system: JSONValue = [
            "id": .string("\(id)-0"), "role": "system", "content": "be kind", "name": nil,
            "content_parts": nil,
        ]
        #expect(all["data"]?.array?.first == system)
        #expect(all["data"]?.array?.last?["content"] == "hello")
        #expect(all["data"]?.array?.last?["content_parts"] == parts)
        #expect(Self.ids(try await world.get(path + "?order=desc&limit=1")) == ["\(id)-1"])
        #expect(Self.ids(try await world.get(path + "?after=\(id)-0")) == ["\(id)-1"])
        #expect(try await world.get(path + "?after=\(id)-7").status == 404)
    }

    @Test("one tenant's answers are nothing to another, nor to an administrator")
    func tenants() async throws {
        let world = try await TestWorld()
        let id = try await Self.store(world, Self.request())
        for key in ["other", "ops"] {
            #expect(Self.ids(try await world.get(Self.path, as: key)) == [])
            for path in ["\(Self.path)/\(id)", "\(Self.path)/\(id)/messages"] {
                #expect(try await world.get(path, as: key).status == 404)
            }
            #expect(try await world.delete("\(Self.path)/\(id)", as: key).status == 404)
            let change = try await world.post("\(Self.path)/\(id)", ["metadata": [:]], as: key)
            #expect(change.status == 404)
        }
        #expect(try await world.get("\(Self.path)/\(id)").status == 200)
    }

    @Test("the oldest go beyond the count, the bytes and the age, each tenant's by itself")
    func bounds() async throws {
        let few = try await TestWorld(completions: .init(count: 2))
        let others = try await Self.store(few, Self.request(), as: "other")
        var ids: [String] = []
        for _ in 0..<4 { ids.append(try await Self.store(few, Self.request())) }
        #expect(Self.ids(try await few.get(Self.path)) == Array(ids.suffix(2)))
        #expect(Self.ids(try await few.get(Self.path, as: "other")) == [others])

        let small = try await TestWorld(completions: .init(bytes: 3_000))
        let text = String(repeating: "x", count: 1_000)
        _ = try await Self.store(small, Self.request(text))
        let last = try await Self.store(small, Self.request(text))
        #expect(Self.ids(try await small.get(Self.path)) == [last])
        let refused = try await small.post(Self.path, Self.request(text + text + text))
        #expect(refused.status == 400 && refused.json["error"]?["param"] == "store")

        let brief = try await TestWorld(completions: .init(age: 0))
        let gone = try await Self.store(brief, Self.request())
        #expect(try await brief.get("\(Self.path)/\(gone)").status == 404)
    }

    @Test("a rating is up or down, a correction may be long, other values are short")
    func feedback() async throws {
        let world = try await TestWorld()
        let refused = try await world.post(Self.path, Self.request(metadata: ["rating": "good"]))
        #expect(refused.status == 400 && refused.json["error"]?["param"] == "metadata.rating")
        let id = try await Self.store(world, Self.request())
        let long = JSONValue.string(String(repeating: "y", count: 5_000))
        func change(_ metadata: JSONValue) async throws -> Int {
            try await world.post("\(Self.path)/\(id)", ["metadata": metadata]).status
        }
        #expect(try await change(["correction": long]) == 200)
        #expect(try await change(["note": long]) == 400)
        #expect(try await change(["rating": "5"]) == 400)
        #expect(try await world.post("\(Self.path)/\(id)", [:]).status == 400)
        #expect(try await change(nil) == 200)
    }

    @Test("a server without a data directory refuses to keep and has nothing")
    func withoutStore() async throws {
        let api = try TestAPI(answering: "hi")
        let reply = try await api.post(Self.path, Self.request())
        #expect(reply.status == 400 && reply.json["error"]?["param"] == "store")
        #expect(Self.ids(try await api.get(Self.path)) == [])
        #expect(try await api.get(Self.path + "/chatcmpl-a").status == 404)
    }
}
