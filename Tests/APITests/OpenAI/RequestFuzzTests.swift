import InferenceRuntime
import TestSupport
import Testing

@testable import API

/// Bodies that nobody would write, made of those that somebody did.
@Suite("Mutated bodies")
struct RequestFuzzTests {
    private static let seeds: [(path: String, body: String)] = [
        (
            "/v1/chat/completions",
            #"""
            {"model":"tiny","messages":[{"role":"system","content":"s"},{"role":"user","content":
            [{"type":"text","text":"x"}]},{"role":"assistant","content":null,"tool_calls":[{"id":
            "c","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},{"role":"tool",
            "tool_call_id":"c","content":"y"}],"temperature":0.5,"top_p":0.9,"top_k":4,"n":2,
            "stop":["a"],"seed":1,"logprobs":true,"top_logprobs":2,"logit_bias":{"5":1},"stream":
            true,"stream_options":{"include_usage":true},"max_tokens":4,"lora":[],"tools":[{"type":
            "function","function":{"name":"f","parameters":{}}}],"tool_choice":"auto","metadata":
            {"a":"b"},"response_format":{"type":"text"},"chat_template_kwargs":{"x":[1.0]}}
            """#
        ),
        (
            "/v1/completions",
            #"""
            {"model":"tiny","prompt":["a",[1,2]],"best_of":3,"n":2,"echo":true,"logprobs":1,
            "max_tokens":3,"suffix":null,"stop":"x","presence_penalty":1,"frequency_penalty":-1,
            "repetition_penalty":1.1,"min_p":0.1,"logit_bias":{"7":-100},"user":"u","seed":-5}
            """#
        ),
        ("/tokenize", #"{"content":"text","add_special":true,"with_pieces":true}"#),
        ("/detokenize", #"{"tokens":[1,2,255]}"#),
        ("/apply-template", #"{"messages":[{"role":"user","content":"a"}],"tools":null}"#),
    ]

    private static let oddities: [JSONValue] = [
        .null, true, false, 0, -1, 1, 2, 256, 999_999, "", "a", "\u{0}", "e\u{301}", [], [:],
        [[]], ["": ""], .number(.literal("1e400")), .number(.literal("-0")),
        .number(.literal("0.1")), .number(.literal("9223372036854775808")), JSONValue(Int.min),
        JSONValue(Int.max), ["role": "user", "content": "x"], ["type": "text", "text": 1],
    ]

    @Test(
        "every mutation is answered: with an answer or with a 4xx that has four keys",
        arguments: seeds
    )
    func mutations(_ path: String, _ body: String) async throws {
        let document = try JSONValue(parsing: body)
        let api = try TestAPI(
            generator: ScriptedGenerator(answering: "hello".utf8.map { Int32($0) }),
            template: TestModel.template + "{% if tools %}{% endif %}"
        )
        var random = TinyRandom(state: UInt64(body.utf8.count))
        var answered = 0
        for _ in 0..<600 {
            var mutated = document
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                mutated = mutate(mutated, &random)
            }
            let reply = try await api.post(path, mutated)
            if reply.status == 200 {
                answered += 1
                continue
            }
            #expect((400..<500).contains(reply.status), "\(mutated.serialized)")
            let error = reply.json["error"]?.object
            #expect(
                error?.members.map(\.key) == ["message", "type", "param", "code"],
                "\(mutated.serialized)"
            )
        }
        #expect(answered > 0)
    }

    @Test("cut and garbled bytes are answered too", arguments: seeds)
    func garbled(_ path: String, _ body: String) async throws {
        let api = try TestAPI(answering: "hello")
        var random = TinyRandom(state: 7)
        for _ in 0..<300 {
            var bytes = Array(body.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.removeSubrange(index...)
                default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: index)
                }
                if bytes.isEmpty { bytes = [0x7B] }
            }
            let reply = try await api.send(.post, path, body: bytes)
            #expect(reply.status == 200 || (400..<500).contains(reply.status))
        }
    }

    /// Changes one value somewhere: by another, by nothing, or by itself twice.
    private func mutate(_ value: JSONValue, _ random: inout TinyRandom) -> JSONValue {
        let descends = Int.random(in: 0..<10, using: &random) < 8
        switch value {
        case .object(let object) where descends && !object.members.isEmpty:
            var members = object.members
            let index = Int.random(in: 0..<members.count, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0: members.remove(at: index)
            case 1: members.append(members[index])
            default: members[index].value = mutate(members[index].value, &random)
            }
            return .object(JSONObject(members))
        case .array(var elements) where descends && !elements.isEmpty:
            let index = Int.random(in: 0..<elements.count, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0: elements.remove(at: index)
            case 1: elements.append(elements[index])
            default: elements[index] = mutate(elements[index], &random)
            }
            return .array(elements)
        default: return Self.oddities.randomElement(using: &random) ?? .null
        }
    }
}
