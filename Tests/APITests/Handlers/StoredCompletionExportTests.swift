import InferenceRuntime
import Testing
import Trainer

@testable import API

@Suite("Stored completions become training files")
struct StoredCompletionExportTests {
    typealias Stored = StoredCompletionsTests

    /// Exports and reads the file's lines.
    static func lines(
        _ format: String,
        _ world: TestWorld,
        filter: JSONValue = nil
    ) async throws -> [JSONValue] {
        let file = try await world.post(
            Stored.path + "/export",
            ["format": .string(format), "filter": filter]
        )
        guard file.status == 200, let id = file.json["id"]?.string else {
            #expect(file.json["error"]?["param"] == "filter", "\(file.text)")
            return []
        }
        #expect(OpenAISchemas.problems("OpenAIFile", file.json) == [])
        #expect(file.json["purpose"] == "fine-tune")
        let content = try await world.get("/v1/files/\(id)/content").text
        return try content.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
    }

    /// Answers `hi`, with what was said of them.
    static func world(_ feedback: [JSONValue]) async throws -> TestWorld {
        let world = try await TestWorld()
        for (index, metadata) in feedback.enumerated() {
            let body = Stored.request("q\(index)", metadata: ["topic": .string("t\(index)")])
            let id = try await Stored.store(world, body)
            let change: JSONValue = ["metadata": metadata]
            #expect(try await world.post("\(Stored.path)/\(id)", change).status == 200)
        }
        return world
    }

    static func user(_ text: String) -> JSONValue { ["role": "user", "content": .string(text)] }
    static func answer(_ text: String) -> JSONValue {
        ["role": "assistant", "content": .string(text)]
    }

    static let feedback: [JSONValue] = [
        ["rating": "up"], ["rating": "down"], ["correction": "hello"], [:],
        ["rating": "up", "correction": "hey"],
    ]

    @Test("chat takes what was rated up or corrected, and is a training file")
    func chat() async throws {
        let world = try await Self.world(Self.feedback)
        let expected: [JSONValue] = [
            ["messages": [Self.user("q0"), Self.answer("hi")]],
            ["messages": [Self.user("q2"), Self.answer("hello")]],
            ["messages": [Self.user("q4"), Self.answer("hey")]],
        ]
        #expect(try await Self.lines("chat", world) == expected)
        let file = try await world.files.files(.init()).files.first
        let path = try await world.files.content(of: #require(file).id)
        let report = try ValidationReport.validate(path: path, name: "x.jsonl", encoder: nil)
        #expect(report.examples == 3)
    }

    @Test("preference takes corrections over answers, kto judges each")
    func preferences() async throws {
        let world = try await Self.world(Self.feedback)
        func pair(_ text: String, _ better: String) -> JSONValue {
            [
                "input": ["messages": [Self.user(text)]],
                "preferred_output": [Self.answer(better)],
                "non_preferred_output": [Self.answer("hi")],
            ]
        }
        let pairs = [pair("q2", "hello"), pair("q4", "hey")]
        #expect(try await Self.lines("preference", world) == pairs)
        func judged(_ text: String, _ said: String, _ isGood: Bool) -> JSONValue {
            ["messages": [Self.user(text), Self.answer(said)], "kto_tag": .bool(isGood)]
        }
        let expected = [
            judged("q0", "hi", true), judged("q1", "hi", false), judged("q2", "hello", true),
            judged("q2", "hi", false), judged("q4", "hey", true), judged("q4", "hi", true),
        ]
        #expect(try await Self.lines("kto", world) == expected)
    }

    @Test("earlier answers of a conversation are not trained, its tools are kept")
    func conversations() async throws {
        let world = try await TestWorld()
        let tools: JSONValue = [
            ["type": "function", "function": ["name": "look", "parameters": ["type": "object"]]]
        ]
        let body = Stored.request(
            metadata: ["rating": "up"],
            more: ["messages": [Self.user("a"), Self.answer("b"), Self.user("c")], "tools": tools]
        )
        _ = try await Stored.store(world, body)
        let line = try #require(try await Self.lines("chat", world).first)
        #expect(line["tools"] == tools)
        #expect(line["messages"]?.array?[1]["weight"] == 0)
        #expect(line["messages"]?.array?[3] == Self.answer("hi"))
    }

    @Test("a filter takes in what fits it; what is no filter is refused, nothing found too")
    func filters() async throws {
        let world = try await Self.world([
            ["rating": "up", "topic": "a"], ["rating": "up", "topic": "b"],
        ])
        #expect(try await Self.lines("chat", world).count == 2)
        let one = try await Self.lines("chat", world, filter: ["metadata": ["topic": "b"]])
        #expect(one.map { $0["messages"]?.array?.first } == [Self.user("q1")])
        #expect(try await Self.lines("chat", world, filter: ["model": "other"]) == [])
        #expect(try await Self.lines("preference", world) == [])
        for body: JSONValue in [
            [:], ["format": "sft"], ["format": "chat", "filter": ["after": "x"]],
            ["format": "chat", "filter": ["metadata": ["a": 1]]],
        ] {
            #expect(try await world.post(Stored.path + "/export", body).status == 400)
        }
        let files = try await world.files.files(.init()).files
        #expect(files.count == 2, "a refused export leaves no file")
    }

    @Test("an export stays within what its key may store, and belongs to its tenant")
    func quota() async throws {
        let world = try await TestWorld()
        let text = String(repeating: "x", count: 400)
        let body = Stored.request(text, metadata: ["rating": "up"])
        _ = try await Stored.store(world, body, as: "small")
        let export: JSONValue = ["format": "chat"]
        let refused = try await world.post(Stored.path + "/export", export, as: "small")
        #expect(refused.status == 429)
        #expect(try await world.files.files(.init()).files.isEmpty)
        #expect(try await world.post(Stored.path + "/export", export, as: "other").status == 400)
    }

    @Test("a file of many pages has every answer once, in order")
    func pages() async throws {
        let world = try await TestWorld()
        for index in 0..<205 {
            let body = Stored.request("q\(index)", metadata: ["rating": "up"])
            _ = try await Stored.store(world, body)
        }
        let lines = try await Self.lines("chat", world)
        #expect(
            lines.map { $0["messages"]?.array?.first } == (0..<205).map { Self.user("q\($0)") }
        )
    }
}
