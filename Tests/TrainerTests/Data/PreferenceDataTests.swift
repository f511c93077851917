import Foundation
import InferenceRuntime
import TestSupport
import Testing

@testable import Trainer

@Suite("Pairs and marked answers in files")
struct PreferenceDataTests {
    /// What all forms of the pair say.
    private static let prompt = "Which way?"

    private static func examples(_ lines: [String]) throws -> [TrainingExample] {
        let file = TemporaryFile(lines.joined(separator: "\n"), name: "data.jsonl")
        let reader = try TrainingFileReader(path: file.path, name: "data.jsonl")
        var examples: [TrainingExample] = []
        while let example = try reader.next() { examples.append(example) }
        return examples
    }

    private static func text(_ content: TrainingExample.Content) -> [String] {
        switch content {
        case .chat(let chat): chat.messages.map { $0["content"]?.string ?? "" }
        case .completion(let prompt, let completion): [prompt, completion]
        case .text(let text): [text]
        case .preference(let chosen, let rejected): text(chosen) + text(rejected)
        case .feedback(let answer, _): text(answer)
        case .prompt(let chat, _): text(.chat(chat))
        }
    }

    @Test(
        "every form of a pair is read as the same pair",
        arguments: [
            #"{"input": {"messages": [{"role": "user", "content": "Which way?"}]}, "preferred_output": [{"role": "assistant", "content": "Left."}], "non_preferred_output": [{"role": "assistant", "content": "Right."}]}"#,
            #"{"instruction": "Which way?", "chosen": "Left.", "rejected": "Right."}"#,
            #"{"conversations": [{"from": "human", "value": "Which way?"}], "chosen": {"from": "gpt", "value": "Left."}, "rejected": {"from": "gpt", "value": "Right."}}"#,
            #"{"messages": [{"role": "user", "content": "Which way?"}], "chosen": {"role": "assistant", "content": "Left."}, "rejected": {"role": "assistant", "content": "Right."}}"#,
            #"{"prompt": "Which way?", "chosen": "Left.", "rejected": "Right."}"#,
            #"{"prompt": [{"role": "user", "content": "Which way?"}], "chosen": [{"role": "assistant", "content": "Left."}], "rejected": [{"role": "assistant", "content": "Right."}]}"#,
            #"{"chosen": [{"role": "user", "content": "Which way?"}, {"role": "assistant", "content": "Left."}], "rejected": [{"role": "user", "content": "Which way?"}, {"role": "assistant", "content": "Right."}]}"#,
            #"{"prompt": "Which way?", "chosen": [{"role": "user", "content": "Which way?"}, {"role": "assistant", "content": "Left."}], "rejected": [{"role": "user", "content": "Which way?"}, {"role": "assistant", "content": "Right."}]}"#,
        ]
    )
    func pairs(_ line: String) throws {
        let example = try #require(try Self.examples([line]).first)
        #expect(Self.text(example.content) == [Self.prompt, "Left.", Self.prompt, "Right."])
        guard case .preference = example.content else {
            Issue.record("\(example.content)")
            return
        }
    }

    @Test(
        "what two texts begin with is the prompt, and of HH's transcripts all but the last answer"
    )
    func commonBeginnings() throws {
        let plain = #"{"chosen": "The sky is blue.", "rejected": "The sky is bright."}"#
        let transcript =
            #"{"chosen": "\n\nHuman: A?\n\nAssistant: It is.", "rejected": "\n\nHuman: A?\n\nAssistant: It was."}"#
        let texts = try Self.examples([plain, transcript]).map { Self.text($0.content) }
        #expect(texts[0] == ["The sky is b", "lue.", "The sky is b", "right."])
        let prompt = "\n\nHuman: A?\n\nAssistant:"
        #expect(texts[1] == [prompt, " It is.", prompt, " It was."])
    }

    @Test(
        "an answer keeps its mark, in every form",
        arguments: [
            #"{"instruction": "Which way?", "output": "Left.", "kto_tag": MARK}"#,
            #"{"conversations": [{"from": "human", "value": "Which way?"}, {"from": "gpt", "value": "Left."}], "kto_tag": MARK}"#,
            #"{"messages": [{"role": "user", "content": "Which way?"}, {"role": "assistant", "content": "Left."}], "kto_tag": MARK}"#,
            #"{"prompt": "Which way?", "completion": "Left.", "label": MARK}"#,
            #"{"prompt": [{"role": "user", "content": "Which way?"}], "completion": [{"role": "assistant", "content": "Left."}], "label": MARK}"#,
        ]
    )
    func marks(_ line: String) throws {
        for isGood in [true, false] {
            let line = line.replacing("MARK", with: "\(isGood)")
            let example = try #require(try Self.examples([line]).first)
            guard case .feedback(let answer, let mark) = example.content else {
                Issue.record("\(example.content)")
                return
            }
            #expect(mark == isGood)
            #expect(Self.text(answer) == [Self.prompt, "Left."])
        }
    }

    @Test("a label that is no truth value is a column like any other")
    func otherLabels() throws {
        let line = #"{"prompt": "a", "completion": "b", "label": "sports"}"#
        let content = try Self.examples([line]).first?.content
        #expect(content == .completion(prompt: "a", completion: "b"))
    }

    @Test(
        "what is no pair is refused with line and reason",
        arguments: [
            (#"{"chosen": "a", "rejected": ["b"]}"#, "both be texts"),
            (#"{"prompt": 1, "chosen": "a", "rejected": "b"}"#, "'prompt' must be"),
            (#"{"instruction": "q", "chosen": "a", "rejected": 2}"#, "'rejected' must be"),
            (
                #"{"input": {"messages": []}, "preferred_output": [], "non_preferred_output": []}"#,
                "'input.messages' is empty"
            ),
            (
                #"{"input": {"messages": [{"role": "user", "content": "q"}]}, "preferred_output": [{"role": "user", "content": "a"}], "non_preferred_output": []}"#,
                "'preferred_output' must end with"
            ),
            (#"{"instruction": "q", "output": "a", "kto_tag": "maybe"}"#, "'kto_tag' must be"),
        ]
    )
    func refusals(_ line: String, _ reason: String) throws {
        let error = #expect(throws: TrainingFileError.self) { try Self.examples(["", line]) }
        #expect(error?.line == 2)
        #expect(error?.reason.contains(reason) == true, "\(error?.reason ?? "")")
    }

    // MARK: - Encoding

    /// Encodes with a token a byte; token 0 ends a text.
    private static func encoder(
        _ method: TrainingMethod,
        cutoff: Int = 100
    ) throws -> ExampleEncoder {
        ExampleEncoder(
            model: BaseModel(
                name: "bytes",
                folder: "",
                encoder: ConversationEncoder(
                    tokenizer: try ByteTokenizer.make(special: "<pad>"),
                    templates: nil
                ),
                defaults: GenerationDefaults(stopTokens: [0])
            ),
            options: EncodingOptions(
                cutoffLength: cutoff,
                promptLossWeight: 0,
                maskHistory: false,
                method: method
            ),
            now: TemplateClock(seconds: 0, offset: 0)
        )
    }

    private static func pair(_ prompt: String, _ chosen: String, _ rejected: String)
        -> TrainingExample
    {
        TrainingExample(
            line: 3,
            content: .preference(
                chosen: .completion(prompt: prompt, completion: chosen),
                rejected: .completion(prompt: prompt, completion: rejected)
            )
        )
    }

    @Test("answers and their ends are learned, prompts are not")
    func learned() throws {
        let unit = try #require(
            try Self.encoder(.dpo).units(Self.pair("abc", "de", "f"), after: nil).first
        )
        #expect(
            unit.sequences.map { $0.tokens.map(Int.init) } == [
                [97, 98, 99, 100, 101, 0], [97, 98, 99, 102, 0],
            ]
        )
        #expect(unit.sequences.map(\.weights) == [[0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1]])
        #expect(unit.trainedTokens == 5 && unit.line == 3)
    }

    @Test("prompt and the longer answer share the cut-off; both answers are cut to one length")
    func cut() throws {
        let long = Self.pair("abcdefgh", "ABCDEFGHIJ", "KLMNOPQ")
        let unit = try #require(try Self.encoder(.dpo, cutoff: 10).units(long, after: nil).first)
        let kept = CutOff.kept(prompt: 8, answer: 11, budget: 10)
        let texts = unit.sequences.map {
            String(decoding: $0.tokens.map { UInt8($0) }, as: UTF8.self)
        }
        let prompt = String("abcdefgh".prefix(kept.prompt))
        #expect(texts[0] == prompt + "ABCDEFGHIJ".prefix(kept.answer))
        #expect(texts[1] == prompt + "KLMNOPQ".prefix(kept.answer))
        let areCut = unit.sequences.map { $0.isCut }
        #expect(areCut == [true, true])
    }

    @Test("an answer stands beside that of the record before; the first beside the last's")
    func rotation() throws {
        let lines = ["one", "two", "three"].enumerated().map { number, word in
            #"{"prompt": "\#(number)>", "completion": "\#(word)", "label": \#(number != 1)}"#
        }
        let file = TemporaryFile(lines.joined(separator: "\n"), name: "data.jsonl")
        let reader = DatasetReader(encoder: try Self.encoder(.kto), vocabulary: 256)
        let found = try reader.read(
            TrainingFileLocation(path: file.path, name: "data.jsonl"),
            maximum: nil,
            into: file.path + ".encoded"
        )
        let units = try (0..<3).map { try found.units.unit($0) }
        let texts = units.map { unit in
            unit.sequences.map { String(decoding: $0.tokens.map { UInt8($0) }, as: UTF8.self) }
        }
        #expect(
            texts == [
                ["0>one\0", "0>three\0"], ["1>two\0", "1>one\0"], ["2>three\0", "2>two\0"],
            ]
        )
        #expect(units.map(\.label) == [1, -1, 1])
        #expect(units.map(\.trainedTokens) == [4, 4, 6])
        let measured = units[0].sequences[1].weights
        #expect(measured.count { $0 < 0 } == 6 && measured.allSatisfy { $0 <= 0 })
    }

    @Test("a method says what it learns from, and which method the file is for")
    func otherMethods() throws {
        let pair = Self.pair("a", "b", "c")
        let mark = TrainingExample(
            line: 3,
            content: .feedback(.completion(prompt: "a", completion: "b"), isGood: true)
        )
        let cases: [(TrainingMethod, TrainingExample, String?)] = [
            (.supervised, pair, "'dpo'"), (.supervised, mark, nil), (.dpo, mark, "'kto'"),
            (.kto, pair, "'dpo'"),
            (.dpo, TrainingExample(line: 3, content: .text("a")), "'supervised'"),
        ]
        for (method, example, named) in cases {
            let encoder = try Self.encoder(method)
            guard let named else {
                #expect(try encoder.units(example, after: nil).count == 1)
                continue
            }
            let error = #expect(throws: TrainingFileError.self) {
                try encoder.units(example, after: nil)
            }
            #expect(error?.line == 3 && error?.reason.contains("use the method \(named)") == true)
        }
    }
}
