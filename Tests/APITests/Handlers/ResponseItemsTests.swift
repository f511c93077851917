import InferenceRuntime
import TestSupport
import Testing

@testable import API

@Suite("Items of responses")
struct ResponseItemsTests {
    private static let tools: JSONValue = .array(
        (ToolAnswer.tools.array ?? []).map { tool in
            var function = tool["function"]?.object ?? [:]
            function["type"] = "function"
            return .object(function)
        }
    )

    @Test("a stream's events come in OpenAI's order, numbered from 0")
    func stream() async throws {
        let api = try TestAPI(answering: ToolAnswer.calls)
        let body: JSONValue = [
            "model": "tiny", "input": "hi", "tools": Self.tools, "stream": true,
        ]
        let reply = try await api.post("/v1/responses", body)
        let types = reply.events.compactMap { $0["type"]?.string }
        var order: [String] = []
        for type in types where order.last != type { order.append(type) }
        #expect(
            order == [
                "response.created", "response.in_progress", "response.output_item.added",
                "response.content_part.added", "response.output_text.delta",
                "response.output_text.done", "response.content_part.done",
                "response.output_item.done", "response.output_item.added",
                "response.function_call_arguments.delta",
                "response.function_call_arguments.done", "response.output_item.done",
                "response.output_item.added", "response.function_call_arguments.delta",
                "response.function_call_arguments.done", "response.output_item.done",
                "response.completed",
            ]
        )
        let numbers = reply.events.compactMap { $0["sequence_number"]?.int }
        #expect(numbers == Array(0..<reply.events.count))
        #expect(!reply.isDone)
        let response = try #require(reply.events.last?["response"])
        #expect(OpenAISchemas.problems("Response", response) == [])
        let kinds = response["output"]?.array?.compactMap { $0["type"]?.string }
        #expect(kinds == ["message", "function_call", "function_call"])
        #expect(response["output"]?.array?[1]["arguments"] == #"{"city": "Paris"}"#)
    }

    @Test("a conversation goes on from a stored response, until that is deleted")
    func previous() async throws {
        let api = try TestAPI(answering: "A")
        let first = try await api.post("/v1/responses", ["model": "tiny", "input": "one"])
        let id = try #require(first.json["id"]?.string)
        let next: JSONValue = [
            "model": "tiny", "input": "two", "previous_response_id": .string(id),
        ]
        let second = try await api.post("/v1/responses", next)
        #expect(second.status == 200)
        let prompt = try #require(api.generator.requests.last).prompt.map { UInt8($0) }
        let expected = "<user>one<assistant>A<user>two<assistant>"
        #expect(String(decoding: prompt, as: UTF8.self) == expected)
        #expect(try await api.get("/v1/responses/\(id)").json == first.json)
        let items = try await api.get("/v1/responses/\(id)/input_items").json
        #expect(items["data"]?.array?.first?["content"] == "one")
        let deleted = try await api.send(.delete, "/v1/responses/\(id)", body: [])
        #expect(deleted.json["deleted"] == true)
        #expect(try await api.get("/v1/responses/\(id)").status == 404)
        let gone = try await api.post("/v1/responses", next)
        #expect(gone.status == 400)
        #expect(gone.json["error"]?["code"] == "previous_response_not_found")
    }

    @Test("what is not stored cannot be asked for")
    func notStored() async throws {
        let api = try TestAPI(answering: "A")
        let body: JSONValue = ["model": "tiny", "input": "one", "store": false]
        let reply = try await api.post("/v1/responses", body)
        let id = try #require(reply.json["id"]?.string)
        #expect(reply.json["store"] == false)
        #expect(try await api.get("/v1/responses/\(id)").status == 404)
    }

    @Test("a tool that takes free text is called with it")
    func customTool() async throws {
        let text = #"<tool_call>{"name": "shell", "arguments": {"input": "ls -l"}}</tool_call>"#
        let api = try TestAPI(answering: text)
        let body: JSONValue = [
            "model": "tiny", "input": "hi", "tools": [["type": "custom", "name": "shell"]],
        ]
        let reply = try await api.post("/v1/responses", body)
        let item = try #require(reply.json["output"]?.array?.first)
        #expect(item["type"] == "custom_tool_call")
        #expect(item["input"] == "ls -l")
    }
}
