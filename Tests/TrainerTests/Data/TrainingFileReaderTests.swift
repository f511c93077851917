import InferenceRuntime
import Testing

@testable import Trainer

@Suite("Training files")
struct TrainingFileReaderTests {
    private func read(_ text: String, _ name: String) throws -> (
        [TrainingExample], TrainingFileReader
    ) {
        let file = TemporaryFile(text, name: name)
        let reader = try TrainingFileReader(path: file.path, name: name)
        var examples: [TrainingExample] = []
        while let example = try reader.next() { examples.append(example) }
        return (examples, reader)
    }

    private func error(_ text: String, _ name: String = "data.jsonl") -> TrainingFileError? {
        do {
            _ = try ValidationReport.validate(
                path: TemporaryFile(text, name: name).retained,
                name: name,
                encoder: nil
            )
            return nil
        } catch {
            return error
        }
    }

    private func roles(_ example: TrainingExample?) -> [String] {
        guard case .chat(let chat)? = example?.content else { return [] }
        return chat.messages.map { "\($0["role"]?.string ?? ""):\($0["content"]?.string ?? "-")" }
    }

    @Test("OpenAI's chat format, with weights, tools and an empty line")
    func readsChat() throws {
        let text = """
            \u{FEFF}{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}, \
            {"role": "assistant", "content": "a", "weight": 0}, {"role": "user", "content": "q2"}, \
            {"role": "assistant", "content": "b", "weight": 1}]}\r

            {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "tool_calls": \
            [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}], \
            "tools": [{"type": "function", "function": {"name": "f"}}]}
            """
        let (examples, reader) = try read(text, "x.jsonl")
        #expect(reader.shape == .chat && reader.container == .jsonl)
        #expect(examples.map(\.line) == [1, 3])
        guard case .chat(let first) = examples[0].content,
            case .chat(let second) = examples[1].content
        else { return }
        #expect(first.isTrained == [false, false, false, false, true])
        #expect(first.messages.allSatisfy { $0["weight"] == nil })
        #expect(second.tools?.array?.count == 1)
        #expect(second.isTrained == [false, true])
    }

    @Test("messages as OpenAI's SDK and its first API write them")
    func readsSpellings() throws {
        let text = """
            {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": null, \
            "refusal": null, "function_call": {"name": "f", "arguments": ""}}, {"role": "function", \
            "name": "f", "content": "r"}, {"role": "assistant", "content": "a", "tool_calls": null}], \
            "functions": [{"name": "f"}]}
            """
        let (examples, _) = try read(text, "x.jsonl")
        guard case .chat(let chat) = examples[0].content else { return }
        #expect(roles(examples[0]) == ["user:q", "assistant:", "tool:r", "assistant:a"])
        #expect(chat.messages[1]["tool_calls"]?.array?.count == 1)
        #expect(chat.tools == [["type": "function", "function": ["name": "f"]]])
        #expect(chat.messages[3] == ["role": "assistant", "content": "a"])
    }

    @Test("Alpaca's format, from an array over several lines and with history")
    func readsAlpaca() throws {
        let text = """
            [
              {"instruction": "Translate", "input": "hi", "output": "salut"},
              {"instruction": "x\\"]}", "input": "", "output": "y", "system": "S",
               "history": [["h1", "r1"]]}
            ]
            """
        let (examples, reader) = try read(text, "x.json")
        #expect(reader.shape == .alpaca && reader.container == .json)
        #expect(examples.map(\.line) == [2, 3])
        #expect(roles(examples[0]) == ["user:Translate\nhi", "assistant:salut"])
        #expect(
            roles(examples[1]) == [
                "system:S", "user:h1", "assistant:r1", "user:x\"]}", "assistant:y",
            ]
        )
    }

    @Test("ShareGPT's format, with a function call and its result")
    func readsShareGPT() throws {
        let text = """
            {"conversations": [{"from": "human", "value": "q"}, {"from": "function_call", "value": \
            "{\\"name\\": \\"f\\", \\"arguments\\": {\\"a\\": 1}}"}, {"from": "observation", "value": \
            "r"}, {"from": "gpt", "value": "a"}], "system": "S", "tools": "[{\\"name\\": \\"f\\"}]"}
            """
        let (examples, _) = try read(text, "x.jsonl")
        #expect(
            roles(examples.first) == ["system:S", "user:q", "assistant:", "tool:r", "assistant:a"]
        )
        guard case .chat(let chat)? = examples.first?.content else { return }
        #expect(chat.messages[2]["tool_calls"]?.array?[0]["function"]?["name"] == "f")
        #expect(chat.tools?.array?.count == 1)
    }

    @Test("completions from a table with quotes, commas, newlines and an empty row")
    func readsTable() throws {
        let text = "prompt,completion\r\n\"a, \"\"b\"\"\nc\",d\r\n\r\nö,\"\"\r\n"
        let (examples, reader) = try read(text, "x.csv")
        #expect(reader.shape == .completion && reader.container == .csv)
        #expect(examples.map(\.line) == [2, 5])
        #expect(examples[0].content == .completion(prompt: "a, \"b\"\nc", completion: "d"))
        #expect(examples[1].content == .completion(prompt: "ö", completion: ""))
        #expect(examples[1].isEmpty)
        // The header tells where the name does not.
        #expect(try read("prompt,completion\na,b\n", "upload").0.count == 1)
    }

    @Test("plain text, a text a line")
    func readsText() throws {
        let (examples, reader) = try read("one\n\n  two\r\n{three\n", "x.txt")
        #expect(reader.container == .txt)
        #expect(examples.map(\.content) == [.text("one"), .text("  two"), .text("{three")])
        #expect(examples.map(\.line) == [1, 3, 4])
    }

    @Test("a file larger than a chunk keeps its lines")
    func readsManyChunks() throws {
        let line = "{\"text\": \"\(String(repeating: "é", count: 1000))\"}\n"
        let (examples, _) = try read(String(repeating: line, count: 200), "x.jsonl")
        #expect(examples.map(\.line) == Array(1...200))
        let array = "[" + String(repeating: line + ",", count: 199) + line + "]"
        #expect(try read(array, "x.json").0.map(\.line) == Array(1...200))
    }

    @Test(
        "a wrong line is named with what is wrong",
        arguments: [
            ("{\"text\": \"a\"}\n{oops}", 2, "not valid JSON"),
            ("{\"text\": 1}", 1, "'text' must be a string"),
            ("[1]", 1, "must be a JSON object"),
            ("{\"foo\": 1}", 1, "found 'foo'"),
            ("{\"text\": \"a\"}\n{\"prompt\": \"a\", \"completion\": \"b\"}", 2, "file of 'text'"),
            ("{\"messages\": []}", 1, "'messages' is empty"),
            ("{\"messages\": 1}", 1, "must be a list"),
            ("{\"messages\": [{\"content\": \"x\"}]}", 1, "messages[0].role is missing"),
            ("{\"messages\": [{\"role\": \"bot\", \"content\": \"x\"}]}", 1, "'bot'"),
            ("{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}", 1, "nothing to learn"),
            ("{\"messages\": [{\"role\": \"assistant\"}]}", 1, "messages[0].content is missing"),
            ("{\"messages\": [{\"role\": \"user\", \"content\": 5}]}", 1, "must be a string"),
            (
                "{\"messages\": [{\"role\": \"assistant\", \"content\": \"\", \"weight\": 2}]}", 1,
                "weight must be 0 or 1"
            ),
            (
                "{\"messages\": [{\"role\": \"user\", \"content\": \"\", \"weight\": 1}]}", 1,
                "only the assistant"
            ),
            ("{\"conversations\": [{\"from\": \"gpt\", \"value\": \"x\"}]}", 1, "take turns"),
            (
                "{\"conversations\": [{\"from\": \"human\", \"value\": \"x\"}]}", 1,
                "end with an answer"
            ),
            (
                #"{"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "#
                    + #""arguments": "[1]"}}]}]}"#, 1,
                "messages[0].tool_calls[0].function.arguments must be a JSON object"
            ),
            ("{\"chosen\": 1}", 1, "'chosen' and 'rejected'"),
            ("[{\"text\": \"a\"}", 1, "expected ',' or ']'"),
            ("[{\"text\": \"a\"", 1, "not closed"),
            ("[{\"text\": \"a\"}] x", 1, "after the array"),
        ]
    )
    func namesLine(text: String, line: Int, reason: String) {
        let error = error(text)
        #expect(error?.line == line)
        #expect(error?.reason.contains(reason) == true, "\(String(describing: error))")
    }

    @Test("files without examples, without a file, with broken rows or bytes are refused")
    func refusesFiles() {
        #expect(error("")?.reason == "the file has no examples")
        #expect(error("[]", "x.json")?.reason == "the file has no examples")
        #expect(
            error("{\"prompt\": \"a\", \"completion\": \"\"}")?.reason.contains("learn") == true
        )
        #expect(error("prompt,completion\na\n", "x.csv")?.line == 2)
        #expect(error("prompt,completion\n\"a\n", "x.csv")?.reason.contains("not closed") == true)
        #expect(throws: TrainingFileError.self) {
            try TrainingFileReader(path: "/nowhere/x", name: "x")
        }
        let broken = TemporaryFile([0x22, 0xFF, 0x0A], name: "x.txt")
        #expect(throws: TrainingFileError.self) {
            try TrainingFileReader(path: broken.path, name: "x.txt").next()
        }
    }

    @Test(
        "a table of thousands of columns is refused by their number, an unknown shape in few words"
    )
    func manyColumns() {
        let names = (0..<30_000).map { "column\($0)" }
        let header = (["prompt", "completion"] + names).joined(separator: ",")
        let wide = error(header + "\n", "x.csv")
        #expect(wide?.line == 1 && wide?.reason == "30002 columns; 1024 are the most")
        let members =
            names.map { "\"\($0)\": 1" } + ["\"\(String(repeating: "y", count: 9000))\": 1"]
        let unknown = error("{\(members.joined(separator: ", "))}\n", "x.jsonl")
        #expect(unknown?.reason.hasSuffix(" and 29981 more") == true)
        #expect(unknown?.reason.utf8.count ?? .max < 2000)
    }

    @Test("the report counts repetitions and examples with nothing to learn")
    func reports() throws {
        let text =
            String(repeating: "{\"prompt\": \"a\", \"completion\": \"b\"}\n", count: 3)
            + "{\"prompt\": \"a\", \"completion\": \"\"}\n"
        let file = TemporaryFile(text, name: "x.jsonl")
        let report = try ValidationReport.validate(path: file.path, name: "x.jsonl", encoder: nil)
        #expect(report.examples == 4 && report.duplicates == 2 && report.empty == 1)
        #expect(report.notes.count == 2)
    }
}

extension TemporaryFile {
    /// The path of a file that stays until the process ends.
    fileprivate var retained: String {
        _ = Unmanaged.passRetained(self)
        return path
    }
}
