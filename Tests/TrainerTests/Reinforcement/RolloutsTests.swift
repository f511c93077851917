import Foundation
import InferenceRuntime
import Synchronization
import TestSupport
import Testing

@testable import Trainer

@Suite("Prompts for reinforcement")
struct PromptDataTests {
    private static func examples(_ lines: [String]) throws -> [TrainingExample] {
        let file = TemporaryFile(lines.joined(separator: "\n"), name: "data.jsonl")
        let reader = try TrainingFileReader(path: file.path, name: "data.jsonl")
        var examples: [TrainingExample] = []
        while let example = try reader.next() { examples.append(example) }
        return examples
    }

    @Test("a record without an answer and with fields of its own is a prompt")
    func prompt() throws {
        let line = #"{"messages": [{"role": "user", "content": "2+2?"}], "answer": "4"}"#
        let found = try #require(try Self.examples([line]).first)
        guard case .prompt(let chat, let item) = found.content else {
            Issue.record("no prompt")
            return
        }
        #expect(chat.messages == [["role": "user", "content": "2+2?"]])
        #expect(item["answer"] == "4")
    }

    @Test("what has an answer, or nothing that a grader could ask for, is no prompt")
    func noPrompt() throws {
        let answered = #"""
            {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "k": 1}
            """#
        #expect(throws: Never.self) {
            guard case .chat = try Self.examples([answered])[0].content else {
                Issue.record("no chat")
                return
            }
        }
        let error = #expect(throws: TrainingFileError.self) {
            try Self.examples([#"{"messages": [{"role": "user", "content": "a"}]}"#])
        }
        #expect(error?.line == 1)
        #expect(error?.reason.contains("reinforcement") == true)
    }

    @Test("a unit comes back from the disk with its item")
    func stored() throws {
        let path = NSTemporaryDirectory() + UUID().uuidString
        let example = EncodedExample(tokens: [1, 2, 3], weights: [0, 0, 0], fullLength: 3)
        var unit = TrainingUnit([example], line: 7)
        unit.item = ["answer": "vierundzwanzig", "n": [1, 2.5]]
        let plain = TrainingUnit([example], line: 8)
        let writer = try EncodedUnitStore.Writer(path: path)
        try writer.append(unit)
        try writer.append(plain)
        try writer.finish()
        let store = try EncodedUnitStore(path: path, vocabulary: 10)
        #expect(try store.unit(0) == unit)
        #expect(try store.unit(1) == plain)
    }
}

@Suite("Rewards")
struct AnswerGradingTests {
    private struct Nobody: GraderJudge {
        func score(
            _: GraderQuestion,
            _: [(role: String, content: String)]
        ) async throws -> (score: Double?, tokens: Int) { (nil, 0) }
        func reward(
            _: GraderQuestion,
            _: [(role: String, content: String)]
        ) async throws -> (score: Double?, tokens: Int) { (nil, 0) }
        func label(
            _: GraderQuestion,
            _: [(role: String, content: String)],
            _: [String]
        ) async throws -> (label: String?, tokens: Int) { (nil, 0) }
    }

    private static func grading(_ grader: JSONValue) throws -> AnswerGrading {
        AnswerGrading(grader: try Grader(grader), judge: Nobody())
    }

    @Test("grades come in the order of the answers; what should be JSON and is not gets 0")
    func order() async throws {
        let grading = try Self.grading([
            "type": "string_check", "name": "n", "operation": "eq",
            "input": "{{sample.output_json.n}}", "reference": "{{item.n}}",
        ])
        let answers = (0..<30).map { number in
            (
                item: ["n": JSONValue(number)] as JSONValue, line: number,
                text: number % 3 == 0 ? "none" : #"{"n": \#(number - number % 2)}"#
            )
        }
        let rewards = try await grading.grades(answers).map(\.reward)
        #expect(rewards == (0..<30).map { $0 % 3 != 0 && $0 % 2 == 0 ? 1 : 0 })
    }

    @Test("an example without what the grader names ends the run with its line")
    func missing() async throws {
        let grading = try Self.grading([
            "type": "string_check", "name": "n", "operation": "eq",
            "input": "{{sample.output_text}}", "reference": "{{item.absent}}",
        ])
        let error = await #expect(throws: FineTuningError.self) {
            try await grading.grades([(item: ["n": 1], line: 12, text: "a")])
        }
        #expect(error?.code == "invalid_grader")
        #expect(error?.message.contains("line 12") == true)
    }
}
