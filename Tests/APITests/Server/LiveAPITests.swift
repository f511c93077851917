import Foundation
import InferenceRuntime
import TestSupport
import Testing

@testable import API

@Suite("The API over a socket")
struct LiveAPITests {
    private static let messages: JSONValue = [["role": "user", "content": "hi"]]

    private static let bodies: [(path: String, body: JSONValue)] = [
        ("/v1/chat/completions", ["model": "tiny", "messages": messages]),
        ("/v1/chat/completions", ["model": "tiny", "messages": messages, "stream": true]),
        ("/v1/chat/completions", ["model": "tiny", "messages": messages, "n": 0]),
        ("/v1/chat/completions", ["model": "nobody", "messages": messages, "stream": true]),
        ("/v1/completions", ["model": "tiny", "prompt": ["a", "b"], "echo": true]),
        ("/v1/completions", ["model": "tiny", "prompt": "a", "stream": true, "logprobs": 1]),
        ("/tokenize", ["content": "hé"]),
        ("/nowhere", [:]),
    ]

    /// What differs from one answer to the next by nature.
    private func comparable(_ value: JSONValue) -> JSONValue {
        guard var object = value.object else { return value }
        object["id"] = nil
        object["created"] = nil
        return .object(object)
    }

    @Test("the same request has the same answer in process and over the socket", arguments: bodies)
    func same(_ path: String, _ body: JSONValue) async throws {
        let answer = "Hello there".utf8.map { Int32($0) }
        let api = try TestAPI(generator: ScriptedGenerator(answering: answer))
        let live = try await LiveAPI(generator: ScriptedGenerator(answering: answer))
        let (expected, reply) = (
            try await api.post(path, body), try await live.post(path, body)
        )
        await live.server.stop()
        #expect(reply.status == expected.status)
        #expect(reply.events.map(comparable) == expected.events.map(comparable))
        if expected.events.isEmpty { #expect(comparable(reply.json) == comparable(expected.json)) }
        #expect(reply.headers["x-request-id"] != nil)
        #expect(reply.headers["openai-processing-ms"] != nil)
    }

    @Test("a client that goes away ends its answer, streamed or not")
    func cancellation() async throws {
        let generator = SlowGenerator()
        let live = try await LiveAPI(generator: generator)
        let port = live.port
        for (count, streams) in [true, false].enumerated() {
            let body: JSONValue = [
                "model": "tiny", "prompt": "a", "max_tokens": 100_000, "stream": .bool(streams),
            ]
            try await RawClient.run {
                let client = try RawClient(port: port)
                client.send(LiveAPI.request("/v1/completions", body))
                // Gone while it is being answered.
                while generator.running == 0 { usleep(1000) }
            }
            for _ in 0..<2000 where generator.cancelled == count {
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(generator.running == 0)
        }
        #expect(generator.cancelled == 2)
        await live.server.stop()
    }

    @Test("draining finishes what runs and takes nothing new")
    func draining() async throws {
        let generator = SlowGenerator()
        let live = try await LiveAPI(generator: generator, host: "127.0.0.4")
        let body: JSONValue = ["model": "tiny", "prompt": "a", "max_tokens": 100, "stream": true]
        async let reply = live.post("/v1/completions", body)
        while generator.begun == 0 { try await Task.sleep(for: .milliseconds(1)) }
        await live.server.drain()
        let answer = try await reply
        #expect(answer.isDone)
        #expect(answer.events.count >= 100)
        await #expect(throws: (any Error).self) {
            try await RawClient.run { _ = try RawClient(host: live.host, port: live.port) }
        }
    }
}
