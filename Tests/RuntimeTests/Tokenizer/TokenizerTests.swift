import Foundation
import InferenceRuntime
import Testing

/// What the reference cannot show: errors, streaming, hostile input, the configuration file.
@Suite("A tokenizer")
struct TokenizerTests {
    private static let level: JSONValue = [
        "type": "ByteLevel", "add_prefix_space": false, "use_regex": false,
    ]

    /// A byte-level BPE over `a`…`e` and the bytes of `é`, which merges `a a` and `aa aa`.
    private static func document(_ changes: (inout JSONObject) -> Void = { _ in }) -> [UInt8] {
        var vocab: JSONObject = [:]
        for (id, token) in ["a", "b", "c", "d", "e", "Ã", "©", "Ġ", "aa", "aaaa"].enumerated() {
            vocab[token] = JSONValue(id)
        }
        var document: JSONObject = [
            "model": [
                "type": "BPE", "vocab": .object(vocab), "merges": ["a a", ["aa", "aa"]],
            ],
            "pre_tokenizer": level,
            "decoder": level,
            "added_tokens": [["content": "<eos>", "special": true, "normalized": false]],
        ]
        changes(&document)
        return JSONValue.object(document).serializedBytes
    }

    private static func error(_ changes: (inout JSONObject) -> Void) -> String {
        do throws(TokenizerError) {
            _ = try Tokenizer(tokenizerJSON: document(changes), config: nil)
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    // MARK: - Errors

    @Test(
        "names what it does not know",
        arguments: ["normalizer", "pre_tokenizer", "post_processor", "decoder", "model"]
    )
    func unknownType(_ part: String) {
        let error = Self.error { $0[part] = ["type": "Frobnicate"] }
        #expect(error.contains("\(part).type: 'Frobnicate' is not supported; supported: "))
    }

    @Test("says where in a sequence the unknown part stands")
    func unknownTypeInSequence() {
        let error = Self.error {
            $0["normalizer"] = [
                "type": "Sequence", "normalizers": [["type": "NFC"], ["type": "Rot13"]],
            ]
        }
        #expect(error.contains("normalizer.normalizers[1].type: 'Rot13'"))
    }

    private static let growing: [(String, JSONValue)] = [
        ("normalizer", replace(["String": "a"], .string(long))),
        ("normalizer", replace(["Regex": "a|b"], .string(long))),
        ("normalizer", ["type": "Prepend", "prepend": .string(long)]),
        ("normalizer", steps("normalizers", ["type": "Prepend", "prepend": "0123456789"], 500)),
        ("normalizer", steps("normalizers", replace(["String": "a"], "aa"), 40)),
        ("normalizer", steps("normalizers", replace(["Regex": "x*"], "a"), 40)),
        ("normalizer", steps("normalizers", ["type": "ByteLevel"], 40)),
        ("pre_tokenizer", steps("pretokenizers", level, 40)),
        ("decoder", replace(["String": "a"], .string(long))),
    ]

    @Test("refuses steps that make gigabytes of a message", arguments: growing)
    func growth(_ field: String, _ steps: JSONValue) {
        let error = Self.error { $0[field] = steps }
        #expect(error.contains(field) && error.contains("than"), "\(error)")
    }

    @Test("takes a long chain of steps that replace like by like")
    func noGrowth() {
        let step = Self.replace(["String": "a"], "b")
        let steps = Self.steps("normalizers", step, 200)
        #expect(Self.error { $0["normalizer"] = steps } == "no error")
    }

    private static let long = String(repeating: "x", count: 5000)

    private static func replace(_ pattern: JSONValue, _ content: JSONValue) -> JSONValue {
        ["type": "Replace", "pattern": pattern, "content": content]
    }

    private static func steps(_ name: String, _ step: JSONValue, _ count: Int) -> JSONValue {
        .object(["type": "Sequence", name: .array(Array(repeating: step, count: count))])
    }

    @Test("refuses dropout, which would give other ids each time")
    func dropout() {
        let error = Self.error { $0["model"] = ["type": "BPE", "dropout": 0.1] }
        #expect(error.contains("model.dropout"))
    }

    @Test("refuses a merge whose tokens are not in the vocabulary")
    func unknownMerge() {
        let error = Self.error {
            $0["model"] = ["type": "BPE", "vocab": ["a": 0], "merges": [["a", "x"]]]
        }
        #expect(error.contains("model.merges[0]: 'x' is not in the vocabulary"))
    }

    @Test("refuses ids that would ask for gigabytes", arguments: [-1, 1 << 40])
    func hugeID(_ id: Int) {
        let error = Self.error {
            $0["model"] = ["type": "BPE", "vocab": ["a": JSONValue(id)], "merges": []]
        }
        #expect(error.contains("out of range"))
    }

    @Test("refuses a pattern that does not compile and says which")
    func badPattern() {
        let error = Self.error {
            $0["pre_tokenizer"] = [
                "type": "Split", "pattern": ["Regex": "a(b"], "behavior": "Isolated",
            ]
        }
        #expect(error.contains("the pattern a(b"))
    }

    @Test("a folder that has only an empty tokenizer.model is refused")
    func emptySentencePiece() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/facet-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = FileManager.default.createFile(atPath: folder + "/tokenizer.model", contents: Data())
        #expect(
            throws: TokenizerError.invalid(field: "tokenizer.model", reason: "it has no pieces")
        ) {
            try Tokenizer(folder: folder)
        }
    }

    // MARK: - Configuration

    @Test("reads special tokens given as strings and as objects, and tokens only listed there")
    func configuration() throws {
        let config: JSONValue = [
            "bos_token": ["__type": "AddedToken", "content": "a"],
            "eos_token": "<eos>",
            "unk_token": nil,
            "added_tokens_decoder": [
                "10": ["content": "<eos>", "special": true],
                "11": ["content": "<pad>", "special": true],
            ],
            "pad_token": "<pad>",
        ]
        let tokenizer = try Tokenizer(tokenizerJSON: Self.document(), config: config)
        #expect(tokenizer.bosID == 0)
        #expect(tokenizer.eosToken == "<eos>")
        #expect(tokenizer.eosID == 10)
        #expect(tokenizer.unkToken == nil)
        #expect(tokenizer.padToken.flatMap(tokenizer.id(of:)) == 11)
        #expect(tokenizer.specialIDs == [10, 11])
        #expect(tokenizer.vocabularySize == 12)
        let ids = tokenizer.encode("a<pad>b", addSpecialTokens: false, parseSpecial: true)
        #expect(ids == [0, 11, 1])
    }

    // MARK: - Streaming and single tokens

    @Test("gives the bytes and the text of one token")
    func singleTokens() throws {
        let tokenizer = try Tokenizer(tokenizerJSON: Self.document(), config: nil)
        #expect(tokenizer.bytes(of: 5) == [0xC3])
        #expect(tokenizer.text(of: 5) == "\u{FFFD}")
        #expect(tokenizer.text(of: 7) == " ")
        #expect(tokenizer.token(of: 7) == "Ġ")
        #expect(tokenizer.bytes(of: 999).isEmpty)
        #expect(tokenizer.bytes(of: -1).isEmpty)
        #expect(tokenizer.decode([0, 999, -5, 1], skipSpecialTokens: false) == "ab")
    }

    @Test("streams a character with its last byte and starts anew after a flush")
    func streaming() throws {
        let tokenizer = try Tokenizer(tokenizerJSON: Self.document(), config: nil)
        var detokenizer = StreamingDetokenizer(tokenizer, skipSpecialTokens: true)
        #expect([0, 5, 6, 10, 5].map { detokenizer.append($0) } == ["a", "", "é", "", ""])
        #expect(detokenizer.flush() == "\u{FFFD}")
        #expect(detokenizer.append(6) == "\u{FFFD}")
        #expect(detokenizer.flush().isEmpty)
    }

    @Test("a space between a prompt and its answer is kept, the one before a text is not")
    func afterPrompt() throws {
        let tokenizer = try Tokenizer(
            tokenizerJSON: Self.document { document in
                document["model"] = [
                    "type": "BPE", "vocab": ["▁a": 0, "b": 1, "▁": 2], "merges": [],
                ]
                document["pre_tokenizer"] = .null
                document["decoder"] = [
                    "type": "Sequence",
                    "decoders": [
                        ["type": "Replace", "pattern": ["String": "▁"], "content": " "],
                        ["type": "ByteFallback"], ["type": "Fuse"],
                        ["type": "Strip", "content": " ", "start": 1, "stop": 0],
                    ],
                ]
            },
            config: nil
        )
        let end = try #require(tokenizer.id(of: "<eos>"))
        for (prompt, text) in [([], "a ab"), ([1], " a ab"), ([1, end], "a ab")] {
            var detokenizer = StreamingDetokenizer(
                tokenizer,
                skipSpecialTokens: true,
                after: prompt
            )
            #expect([0, 0, 1].map { detokenizer.append($0) }.joined() == text)
            #expect(detokenizer.flush().isEmpty)
        }
    }

    @Test("random ids never give broken text, and the pieces join to what decoding gives")
    func randomStreams() throws {
        let tokenizer = try Tokenizer(tokenizerJSON: Self.document(), config: nil)
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let ids = (0..<20).map { _ in Int32.random(in: -1...11, using: &generator) }
            var detokenizer = StreamingDetokenizer(tokenizer, skipSpecialTokens: false)
            let text = ids.map { detokenizer.append($0) }.joined() + detokenizer.flush()
            let whole = tokenizer.decode(ids, skipSpecialTokens: false)
            #expect(Array(text.utf8) == Array(whole.utf8), "\(ids)")
        }
    }

    @Test("gives the same ids to many callers at the same time")
    func concurrency() async throws {
        let tokenizer = try Tokenizer(tokenizerJSON: Self.document(), config: nil)
        let text = String(repeating: "aab ca<eos>é dede ", count: 200)
        let expected = tokenizer.encode(text, addSpecialTokens: true, parseSpecial: true)
        await withTaskGroup(of: [Int32].self) { group in
            for _ in 0..<16 {
                group.addTask {
                    tokenizer.encode(text, addSpecialTokens: true, parseSpecial: true)
                }
            }
            for await ids in group { #expect(ids == expected) }
        }
    }

    // MARK: - Long input

    @Test("merges a long run of one character by rank, leftmost first", arguments: 1...70)
    func run(_ length: Int) throws {
        let tokenizer = try Tokenizer(tokenizerJSON: Self.document(), config: nil)
        let text = String(repeating: "a", count: length)
        let ids = tokenizer.encode(text, addSpecialTokens: false, parseSpecial: true)
        let rest: [[Int32]] = [[], [0], [8], [8, 0]]
        #expect(ids == Array(repeating: 9, count: length / 4) + rest[length % 4])
    }

    @Test("half a megabyte without a place to cut takes no recursion and no square time")
    func hostile() throws {
        let tokenizer = try Tokenizer(tokenizerJSON: Self.document(), config: nil)
        let text = String(repeating: "a", count: 1 << 19)
        let ids = tokenizer.encode(text, addSpecialTokens: false, parseSpecial: true)
        #expect(ids.count == 1 << 17)
    }

    @Test("a pattern that explodes on a text ends, and no text is lost", .timeLimit(.minutes(1)))
    func explodingPattern() throws {
        let bytes = Self.document {
            $0["pre_tokenizer"] = [
                "type": "Sequence",
                "pretokenizers": [
                    [
                        "type": "Split", "pattern": ["Regex": "(a+a+)+$|(a|aa)+e"],
                        "behavior": "Isolated",
                    ],
                    Self.level,
                ],
            ]
        }
        let tokenizer = try Tokenizer(tokenizerJSON: bytes, config: nil)
        let text = String(repeating: "a", count: 60) + "b"
        let ids = tokenizer.encode(text, addSpecialTokens: false, parseSpecial: true)
        #expect(tokenizer.decode(ids, skipSpecialTokens: false) == text)
    }
}
