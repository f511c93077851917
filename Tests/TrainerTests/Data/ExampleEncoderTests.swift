import Foundation
import InferenceRuntime
import TestSupport
import Testing

@testable import Trainer

/// Encoding with published tokenizers and templates.
@Suite("Encoding examples", .enabled(if: SharedData.folder("tokenizers") != nil))
struct ExampleEncoderTests {
    /// A tokenizer, the template that goes with it, and the tokens that end a turn.
    struct Pair: Sendable, CustomStringConvertible {
        let tokenizer: String
        let template: String
        let stops: [String]
        var description: String { tokenizer }
    }

    static let llama2 = """
        {{- bos_token -}}{%- for m in messages -%}{%- if m.role == 'user' -%}
        {{- '[INST] ' + m.content + ' [/INST]' -}}
        {%- elif m.role == 'assistant' -%}{{- ' ' + m.content + ' ' + eos_token -}}{%- endif -%}
        {%- endfor -%}
        """
    static let pairs = [
        Pair(tokenizer: "qwen2", template: "Qwen-Qwen2.5-7B-Instruct", stops: ["<|im_end|>"]),
        Pair(
            tokenizer: "llama-3",
            template: "meta-llama-Llama-3.2-3B-Instruct",
            stops: ["<|eot_id|>"]
        ),
        Pair(tokenizer: "phi-3", template: "microsoft-Phi-3.5-mini-instruct", stops: ["<|end|>"]),
        Pair(tokenizer: "llama-2", template: llama2, stops: ["</s>"]),
    ]

    /// Loaded once: it takes seconds without optimisation.
    static let tokenizers: [String: Tokenizer] = {
        guard let folder = SharedData.folder("tokenizers") else { return [:] }
        let loaded = pairs.compactMap { pair in
            (try? Tokenizer(folder: "\(folder)/\(pair.tokenizer)")).map { (pair.tokenizer, $0) }
        }
        return Dictionary(uniqueKeysWithValues: loaded)
    }()

    static func encoder(
        _ pair: Pair,
        _ options: EncodingOptions
    ) throws -> (ExampleEncoder, Tokenizer, ChatTemplate, ChatTemplateVariables) {
        let tokenizer = try #require(Self.tokenizers[pair.tokenizer])
        var source = pair.template
        if !source.contains("{") {
            let path = try #require(SharedData.folder("chat-templates/\(source).jinja"))
            source = try String(contentsOfFile: path, encoding: .utf8)
        }
        let template = try ChatTemplate(source: source)
        let variables = ChatTemplateVariables(
            bos: tokenizer.bosToken,
            eos: tokenizer.eosToken,
            unk: tokenizer.unkToken,
            pad: tokenizer.padToken
        )
        let model = BaseModel(
            name: "fixture",
            folder: "",
            encoder: ConversationEncoder(
                tokenizer: tokenizer,
                templates: ChatTemplateSet(main: template, toolUse: nil)
            ),
            defaults: GenerationDefaults(
                stopTokens: Set(pair.stops.compactMap(tokenizer.id(of:)))
            )
        )
        let clock = TemplateClock(seconds: 1_768_478_400, offset: 0)
        return (
            ExampleEncoder(model: model, options: options, now: clock), tokenizer, template,
            variables
        )
    }

    static func options(
        cutoff: Int = 4096,
        prompt: Float = 0,
        maskHistory: Bool = false
    ) -> EncodingOptions {
        EncodingOptions(cutoffLength: cutoff, promptLossWeight: prompt, maskHistory: maskHistory)
    }

    static func chat(_ answers: [String], trained: [Bool]? = nil) -> TrainingExample {
        var messages: [JSONValue] = []
        var isTrained: [Bool] = []
        for (index, answer) in answers.enumerated() {
            messages.append(["role": "user", "content": .string("Question \(index)?")])
            messages.append(["role": "assistant", "content": .string(answer)])
            isTrained += [false, trained?[index] ?? true]
        }
        return TrainingExample(
            line: 1,
            content: .chat(.init(messages: messages, tools: nil, isTrained: isTrained))
        )
    }

    static let answers = [
        "Paris.", "Zürich — 日本 🇨🇭 e\u{301}", "1234\n\n", "<b>&amp;</b>\n```swift\nlet x = 1\n```",
    ]

    @Test("the ids are those of serving; contents and end tokens are learned", arguments: pairs)
    func encodesChats(pair: Pair) throws {
        let (encoder, tokenizer, template, variables) = try Self.encoder(pair, Self.options())
        let example = Self.chat(Self.answers)
        let encoded = try encoder.encode(example)
        guard case .chat(let chat) = example.content else { return }
        let text = try template.render(
            variables.variables(
                messages: .array(chat.messages),
                tools: nil,
                addGenerationPrompt: false,
                more: JSONObject()
            ),
            now: TemplateClock(seconds: 1_768_478_400, offset: 0)
        )
        #expect(
            encoded.tokens
                == tokenizer.encode(text, addSpecialTokens: false, parseSpecial: true)
        )
        // What is learned, read back.
        var learned: [[Int32]] = []
        for (index, weight) in encoded.weights.enumerated() where weight > 0 {
            if index == 0 || encoded.weights[index - 1] == 0 { learned.append([]) }
            learned[learned.count - 1].append(encoded.tokens[index])
        }
        let texts = learned.map { tokenizer.decode($0, skipSpecialTokens: false) }
        let stop = pair.stops[0]
        let said = texts.map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
        let wanted = Self.answers.map {
            let content = $0.trimmingCharacters(in: .whitespacesAndNewlines)
                .precomposedStringWithCanonicalMapping
            return pair.tokenizer == "llama-2" ? content : content + stop
        }
        if pair.tokenizer == "llama-2" {
            #expect(
                said.map { $0.replacing(stop, with: "").trimmingCharacters(in: .whitespaces) }
                    .filter { !$0.isEmpty }.map(\.precomposedStringWithCanonicalMapping) == wanted
            )
        } else {
            #expect(
                said.map {
                    $0.replacing("\n\n\(stop)", with: stop).precomposedStringWithCanonicalMapping
                } == wanted,
                "\(texts)"
            )
        }
        let stops = learned.flatMap { $0 }.filter { $0 == tokenizer.id(of: stop) }
        #expect(stops.count == Self.answers.count)
    }

    @Test("weight 0, a masked history and the prompt's weight", arguments: pairs)
    func weighs(pair: Pair) throws {
        let all = try Self.encoder(pair, Self.options()).0.encode(Self.chat(["a", "b", "c"]))
        let some = try Self.encoder(pair, Self.options()).0
            .encode(Self.chat(["a", "b", "c"], trained: [true, false, true]))
        let last = try Self.encoder(pair, Self.options(maskHistory: true)).0
            .encode(Self.chat(["a", "b", "c"]))
        let prompt = try Self.encoder(pair, Self.options(prompt: 0.5)).0
            .encode(Self.chat(["a", "b", "c"]))
        #expect(some.tokens == all.tokens && last.tokens == all.tokens)
        #expect(some.trainedTokens * 3 == all.trainedTokens * 2)
        #expect(last.trainedTokens * 3 == all.trainedTokens)
        #expect(prompt.trainedTokens == prompt.tokens.count - 1)
        #expect(prompt.weights[0] == 0 && prompt.weights[1] == 0.5)
    }

    @Test("an example is cut to the cut-off, the answer keeping its share", arguments: pairs)
    func cuts(pair: Pair) throws {
        let long = String(repeating: "word ", count: 400)
        let (encoder, _, _, _) = try Self.encoder(pair, Self.options(cutoff: 64))
        let encoded = try encoder.encode(Self.chat([long]))
        #expect(encoded.tokens.count == 64 && encoded.fullLength > 300)
        #expect(encoded.trainedTokens > 20)
        let many = try encoder.encode(Self.chat(Array(repeating: "Yes, it is so.", count: 20)))
        #expect(many.tokens.count <= 64)
    }

    @Test("a completion is learned with its end token, a text as a whole in pieces")
    func encodesTexts() throws {
        let (encoder, tokenizer, _, _) = try Self.encoder(Self.pairs[1], Self.options(cutoff: 16))
        let completion = try encoder.encode(
            TrainingExample(
                line: 1,
                content: .completion(prompt: "Capital of France:", completion: " Paris")
            )
        )
        let learned = zip(completion.tokens, completion.weights).filter { $0.1 > 0 }.map(\.0)
        #expect(tokenizer.decode(learned, skipSpecialTokens: false).hasPrefix(" Paris"))
        #expect(learned.last == tokenizer.eosID)
        #expect(completion.tokens.first == tokenizer.bosID)
        let text = String(repeating: "one two three ", count: 20)
        let pieces = try encoder.pieces(TrainingExample(line: 1, content: .text(text)))
        #expect(pieces.count > 3 && pieces.dropLast().allSatisfy { $0.tokens.count == 16 })
        #expect(pieces.flatMap(\.tokens).last == tokenizer.eosID)
        #expect(pieces[1].trainedTokens == 15)
    }

    @Test("the store gives back what was encoded")
    func stores() throws {
        let (encoder, tokenizer, _, _) = try Self.encoder(Self.pairs[0], Self.options(cutoff: 32))
        let lines = (0..<300).map { "{\"prompt\": \"p\($0) \", \"completion\": \"c\($0 * 7)\"}" }
        let file = TemporaryFile(lines.joined(separator: "\n"), name: "x.jsonl")
        let path = file.path + ".encoded"
        defer {
            for ending in [".units", ".index"] {
                try? FileManager.default.removeItem(atPath: path + ending)
            }
        }
        let reader = DatasetReader(encoder: encoder, vocabulary: tokenizer.vocabularySize)
        let found = try reader.read(
            TrainingFileLocation(path: file.path, name: "x.jsonl"),
            maximum: nil,
            into: path
        )
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file.path))
        #expect(found.hash == SHA256.hex(of: [UInt8](bytes)))
        #expect(found.units.count == 300)
        let unit = try found.units.unit(123)
        #expect(unit.line == 124)
        #expect(try found.units.tokens(of: 123) == unit.tokens)
        let example = try #require(unit.sequences.first)
        #expect(tokenizer.decode(example.tokens, skipSpecialTokens: true) == "p123 c861")
        let preview = example.preview(tokenizer)
        #expect(preview.map(\.weight) == [0, 1])
        #expect(preview.last?.text.hasPrefix(" c861") == true)
    }
}

@Suite("Training reads what serving reads")
struct TrainAsServedTests {
    private static let template = """
        {%- for message in messages %}<{{ message.role }}>{{ message.content }}</s>{% endfor %}
        {%- if add_generation_prompt %}<assistant>{% endif %}
        """

    @Test("tools and calls a template does not know are said to the model in both")
    func tools() throws {
        let tokenizer = try ByteTokenizer.make(special: "</s>", config: ["eos_token": "</s>"])
        let model = BaseModel(
            name: "bytes",
            folder: "",
            encoder: ConversationEncoder(
                tokenizer: tokenizer,
                templates: ChatTemplateSet(
                    main: try ChatTemplate(source: Self.template),
                    toolUse: nil
                )
            ),
            defaults: GenerationDefaults(stopTokens: [256])
        )
        let question: JSONValue = ["role": "user", "content": "Weather in Ulm?"]
        let answer: JSONValue = [
            "role": "assistant",
            "tool_calls": [
                [
                    "type": "function",
                    "function": ["name": "weather", "arguments": "{\"city\": \"Ulm\"}"],
                ]
            ],
        ]
        let tools: JSONValue = [
            [
                "type": "function",
                "function": ["name": "weather", "parameters": ["type": "object"]],
            ]
        ]
        let asked = model.encoder.tokens(
            rendered: try model.encoder.text(
                of: Conversation([question], tools: tools, addGenerationPrompt: true)
            )
        )
        let encoder = ExampleEncoder(
            model: model,
            options: ExampleEncoderTests.options(),
            now: TemplateClock(seconds: 0, offset: 0)
        )
        let encoded = try encoder.encode(
            TrainingExample(
                line: 1,
                content: .chat(
                    .init(messages: [question, answer], tools: tools, isTrained: [false, true])
                )
            )
        )
        #expect(Array(encoded.tokens.prefix(asked.count)) == asked)
        let learned = zip(encoded.tokens, encoded.weights).filter { $0.1 > 0 }.map(\.0)
        #expect(
            tokenizer.decode(learned, skipSpecialTokens: false)
                == "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\":\"Ulm\"}}\n</tool_call></s>"
        )
        #expect(tokenizer.decode(asked, skipSpecialTokens: false).contains("# Tools"))
    }
}
