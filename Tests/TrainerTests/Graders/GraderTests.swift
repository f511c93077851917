import InferenceRuntime
import Testing

@testable import Trainer

@Suite("Graders")
struct GraderTests {
    /// A judge that always says the same.
    private struct Judge: GraderJudge {
        var score: Double? = 0.25
        var label: String? = "good"

        func score(
            _: GraderQuestion,
            _: [(role: String, content: String)]
        ) -> (score: Double?, tokens: Int) { (score, 7) }

        func reward(
            _ question: GraderQuestion,
            _ messages: [(role: String, content: String)]
        ) -> (score: Double?, tokens: Int) {
            // A score that tells what was asked.
            let text = messages.map { "\($0.role): \($0.content)" }.joined(separator: "\n")
            return (question.model == "taste" ? Double(text.utf8.count) : nil, 3)
        }

        func label(
            _: GraderQuestion,
            _: [(role: String, content: String)],
            _: [String]
        ) -> (label: String?, tokens: Int) { (label, 5) }
    }

    private let values = GraderValues(
        item: ["answer": "Oslo", "parts": [["name": "kettle"]], "number": 3],
        output: #"{"city": "Oslo", "rooms": [1, 2]}"#
    )

    private func grade(_ json: JSONValue, _ judge: Judge = Judge()) async throws -> Grade {
        try await Grader(json).grade(values, judge)
    }

    @Test("templates name what is in the example and in the answer, as text or as JSON")
    func templates() throws {
        for (text, wanted) in [
            ("{{item.answer}}", "Oslo"), ("{{ item.parts[0].name }}!", "kettle!"),
            ("{{item.number}}", "3"), ("{{sample.output_json.city}}", "Oslo"),
            ("{{sample.output_json.rooms[1]}}", "2"), ("{{sample.output_json.rooms}}", "[1,2]"),
            ("a {b} }}", "a {b} }}"),
        ] {
            let read = try GraderTemplate(text, param: "input").text(values)
            #expect(read.replacing(" ", with: "") == wanted.replacing(" ", with: ""))
        }
        for text in ["{{item.none}}", "{{item.parts[4]}}", "{{sample.other}}"] {
            let template = try GraderTemplate(text, param: "input")
            #expect(throws: GraderError.self) { try template.text(values) }
        }
        for text in ["{{item.answer", "{{answer}}", "{{}}", "{{item}}"] {
            #expect(throws: GraderError.self) { try GraderTemplate(text, param: "input") }
        }
        let plain = GraderValues(item: [:], output: "not JSON")
        let template = try GraderTemplate("{{sample.output_json.a}}", param: "input")
        #expect(throws: GraderError.notJSON) { try template.text(plain) }
    }

    @Test("texts are compared to the letter, by what they hold, and whatever the case")
    func stringCheck() async throws {
        for (operation, reference, wanted) in [
            ("eq", "Oslo", 1.0), ("eq", "oslo", 0), ("ne", "Oslo", 0), ("ne", "Bergen", 1),
            ("like", "sl", 1), ("like", "SL", 0), ("ilike", "SL", 1), ("like", "", 1),
        ] {
            let grade = try await grade([
                "type": "string_check", "name": "n", "input": "{{sample.output_json.city}}",
                "reference": .string(reference), "operation": .string(operation),
            ])
            #expect(grade.reward == wanted, "\(operation) \(reference)")
        }
    }

    @Test("similarities have the values of their formulas")
    func similarities() {
        let (answer, reference) = ("The cat sat on the mat.", "the cat lay on the mat")
        // Words: the cat sat on the mat, the cat lay on the mat.
        #expect(abs(TextSimilarity.rouge1.score(answer, reference: reference) - 5 / 6.0) < 1e-12)
        #expect(abs(TextSimilarity.rouge2.score(answer, reference: reference) - 3 / 5.0) < 1e-12)
        #expect(abs(TextSimilarity.rouge3.score(answer, reference: reference) - 1 / 4.0) < 1e-12)
        #expect(TextSimilarity.rouge5.score(answer, reference: reference) == 0)
        #expect(abs(TextSimilarity.rougeL.score(answer, reference: reference) - 5 / 6.0) < 1e-12)
        // 5 + 3 + 1 + 0 matches of 6 + 5 + 4 + 3.
        #expect(abs(TextSimilarity.gleu.score(answer, reference: reference) - 9 / 18.0) < 1e-12)
        // 5/6 · 3/5 · 1/4 · 1/(2 · 3), the fourth root; as long as its reference.
        let bleu = (5 / 6.0 * 3 / 5 / 4 / 6).squareRoot().squareRoot()
        #expect(abs(TextSimilarity.bleu.score(answer, reference: reference) - bleu) < 1e-12)
        // rapidfuzz: fuzz.ratio("kitten", "sitting") = 61.54
        #expect(
            abs(TextSimilarity.fuzzyMatch.score("kitten", reference: "sitting") - 8 / 13.0) < 1e-12
        )
        for metric in TextSimilarity.allCases {
            #expect(
                abs(
                    metric.score(
                        "one two three four five six",
                        reference: "one two three four five six"
                    ) - 1
                ) < 1e-12
            )
            #expect((0...1).contains(metric.score("", reference: "x")))
            #expect((0...1).contains(metric.score("x", reference: "")))
        }
    }

    @Test("an answer is valid by its schema, or not")
    func jsonSchema() async throws {
        for (schema, wanted) in [
            (["type": "object", "required": ["city"]] as JSONValue, 1.0),
            (["type": "object", "required": ["street"]], 0),
            (
                ["type": "object", "properties": ["rooms": ["uniqueItems": true, "minItems": 3]]], 0
            ),
        ] {
            let grade = try await grade([
                "type": "json_schema", "name": "n", "input": "{{sample.output_text}}",
                "schema": schema,
            ])
            #expect(grade.reward == wanted)
        }
    }

    @Test("models grade within their range, labels pass or not, and formulas join parts")
    func models() async throws {
        let input: JSONValue = [["role": "user", "content": "Grade {{sample.output_text}}"]]
        let score: JSONValue = [
            "type": "score_model", "name": "s", "model": "m", "input": input, "range": [0, 0.2],
        ]
        let label: JSONValue = [
            "type": "label_model", "name": "l", "model": "m", "input": input,
            "labels": ["good", "bad"], "passing_labels": ["good"],
        ]
        #expect(try await grade(score).reward == 0.2)
        #expect(try await grade(label).reward == 1)
        #expect(try await grade(label, Judge(label: "bad")).reward == 0)
        await #expect(throws: GraderError.self) { try await grade(label, Judge(label: "odd")) }
        await #expect(throws: GraderError.self) { try await grade(score, Judge(score: nil)) }
        let whole = try await grade([
            "type": "multi", "name": "all", "graders": ["a": score, "b": label],
            "calculate_output": "0.5 * a + max(b, 0) ** 2",
        ])
        #expect(abs(whole.reward - 1.1) < 1e-12)
        #expect(whole.parts.map(\.key) == ["a", "b"] && whole.tokens == ["m": 12])
    }

    @Test("a reward model reads the messages and the answer, and its score may be bounded")
    func rewardModel() async throws {
        func reward(_ more: JSONObject, _ values: GraderValues? = nil) async throws -> Double {
            var json: JSONObject = ["type": "reward_model", "name": "r", "model": "taste"]
            for (key, value) in more.members { json[key] = value }
            return try await Grader(.object(json)).grade(values ?? self.values, Judge()).reward
        }
        let question: JSONValue = ["role": "user", "content": "Who? {{item.answer}}"]
        let answer = "assistant: " + #"{"city": "Oslo", "rooms": [1, 2]}"#
        let whole = Double("user: Who? Oslo\n\(answer)".utf8.count)
        #expect(try await reward(["input": [question]]) == whole)
        let given: JSONValue = ["role": "assistant", "content": "{{sample.output_text}}"]
        #expect(try await reward(["input": [question, given]]) == whole)
        #expect(try await reward(["input": [question], "range": [-1, 4.5]]) == 4.5)
        let example = GraderValues(
            item: ["messages": [["role": "user", "content": "Who? Oslo"]]],
            output: #"{"city": "Oslo", "rooms": [1, 2]}"#
        )
        #expect(try await reward([:], example) == whole)
        await #expect(throws: GraderError.missing("item.messages")) { try await reward([:]) }
        for wrong: JSONObject in [
            ["input": []], ["input": ["a"]], ["range": [2, 1]], ["model": nil],
        ] {
            await #expect(throws: GraderError.self) { try await reward(wrong, example) }
        }
        await #expect(throws: GraderError.self) {
            try await reward(["model": "other"], example)
        }
    }

    @Test("formulas are read by precedence; what is none is refused, what gives no number too")
    func formulas() throws {
        for (text, wanted) in [
            ("1 + 2 * 3", 7.0), ("(1 + 2) * 3", 9), ("-2 ** 2", -4), ("2 ** 3 ** 2", 512),
            ("10 / 4 - .5", 2), ("min(3, a, 2)", 1.5), ("abs(-a)", 1.5), ("floor(a) + ceil(a)", 3),
            ("sqrt(4) + exp(0) + log(1)", 3), ("+a", 1.5), ("2 * -a", -3),
        ] {
            #expect(try GraderFormula(text, param: "f").value(["a": 1.5]) == wanted, "\(text)")
        }
        for text in [
            "", "1 +", "a b", "(1", "1)", "min()", "abs(1, 2)", "1.2.3", "a;", "**",
            String(repeating: "(", count: 5000), String(repeating: "-", count: 900) + "1",
        ] {
            #expect(throws: GraderError.self, "\(text.prefix(20))") {
                try GraderFormula(text, param: "f")
            }
        }
        for text in ["1 / 0", "log(0 - 1)", "0 / 0", "10 ** 400"] {
            let formula = try GraderFormula(text, param: "f")
            #expect(throws: GraderError.self) { try formula.value([:]) }
        }
    }

    @Test("what is no grader is refused with its field")
    func refused() {
        let check: JSONObject = [
            "type": "string_check", "name": "n", "input": "a", "reference": "b", "operation": "eq",
        ]
        func with(_ key: String, _ value: JSONValue) -> JSONValue {
            var json = check
            json[key] = value
            return .object(json)
        }
        for (json, param) in [
            (3 as JSONValue, "grader"), (with("type", "python"), "grader.type"),
            (with("type", "odd"), "grader.type"),
            (with("operation", "is"), "grader.operation"), (with("input", 4), "grader.input"),
            (
                [
                    "type": "text_similarity", "input": "", "reference": "",
                    "evaluation_metric": "meteor",
                ], "grader.evaluation_metric"
            ),
            (["type": "json_schema", "input": "", "schema": ["type": "odd"]], "grader.schema"),
            (["type": "score_model", "input": []], "grader.model"),
            (["type": "score_model", "model": "m", "input": []], "grader.input"),
            (
                ["type": "multi", "graders": ["a": with("input", 1)], "calculate_output": "a"],
                "grader.graders.a.input"
            ),
            (
                ["type": "multi", "graders": ["a": .object(check)], "calculate_output": "b"],
                "grader.calculate_output"
            ),
            (
                ["type": "multi", "graders": ["a": ["type": "multi"]], "calculate_output": "a"],
                "grader.graders.a.type"
            ),
        ] {
            let error = #expect(throws: GraderError.self) { try Grader(json) }
            guard case .invalid(let named, _) = error else {
                Issue.record("\(json.serialized)")
                continue
            }
            #expect(named == param)
        }
    }
}
