@testable import InferenceRuntime

/// Texts that templates, tokenizers and patterns read.
enum FuzzText {
    /// What is read is written so that it reads the same.
    static func json(_ bytes: [UInt8]) {
        guard let value = JSONValue(fuzzed: bytes) else { return }
        guard JSONValue(fuzzed: value.serializedBytes) == value else {
            fatalError("a value is not what it was written as")
        }
    }

    private static let limits: TemplateLimits = {
        var limits = TemplateLimits()
        limits.steps = 100_000
        limits.seconds = 0.5
        limits.allocatedBytes = 8 << 20
        return limits
    }()

    private static let variables: JSONObject = [
        "messages": [
            ["role": "system", "content": "Be brief."], ["role": "user", "content": "é 1 <b>"],
            [
                "role": "assistant", "content": nil,
                "tool_calls": [["function": ["name": "f", "arguments": ["a": [1, 2.5, "x"]]]]],
            ],
        ],
        "tools": [["type": "function", "function": ["name": "f", "parameters": [:]]]],
        "add_generation_prompt": true, "bos_token": "<s>", "eos_token": "</s>",
    ]

    /// A template, and after a NUL the variables.
    static func template(_ bytes: [UInt8]) {
        let (source, json) = FuzzTarget.halves(bytes)
        let text = String(decoding: source, as: UTF8.self)
        guard let template = try? ChatTemplate(source: text, limits: limits) else { return }
        let variables = JSONValue(fuzzed: json)?.object ?? variables
        _ = try? template.render(
            variables,
            now: TemplateClock(seconds: 1_700_000_000, offset: 3600)
        )
    }

    private static let chatML: ChatTemplate? = try? ChatTemplate(
        source: "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content "
            + "+ '<|im_end|>\\n' }}{% endfor %}"
    )

    /// Messages as a client writes them.
    static func messages(_ bytes: [UInt8]) {
        guard let chatML, let messages = JSONValue(fuzzed: bytes)?.array,
            let normalised = try? ChatMessages.normalised(messages, for: chatML)
        else { return }
        _ = try? chatML.render(["messages": .array(normalised)])
    }

    private static let texts = [
        "Hello, world! 123  \n\n\t'tis <s>[INST] é ﬁ 한국어 👍🏽</s>", "", " ", "\u{0}\u{301}a",
    ]

    /// `tokenizer.json`, and after a NUL `tokenizer_config.json`.
    static func tokenizer(_ bytes: [UInt8]) {
        let (json, config) = FuzzTarget.halves(bytes)
        guard
            let tokenizer = try? Tokenizer(
                tokenizerJSON: Array(json),
                config: JSONValue(fuzzed: config)
            )
        else { return }
        for text in texts {
            for special in [false, true] {
                let ids = tokenizer.encode(text, addSpecialTokens: special, parseSpecial: special)
                _ = tokenizer.decode(ids, skipSpecialTokens: special)
            }
        }
        let ids: [Int32] = [0, 1, 5, -1, .max, .min]
        _ = tokenizer.decode(ids, skipSpecialTokens: false)
        for id in ids {
            _ = (tokenizer.token(of: id), tokenizer.bytes(of: id), tokenizer.isSpecial(id))
        }
    }

    /// A pattern over module paths; a pattern of tokenizers, and after a NUL a text.
    static func pattern(_ bytes: [UInt8]) {
        let (source, text) = FuzzTarget.halves(bytes)
        let pattern = String(decoding: source, as: UTF8.self)
        let path = "model.layers.11.self_attn.q_proj"
        if let pattern = try? ModulePattern(whole: pattern, PatternBudget()) {
            _ = try? pattern.matches(path)
        }
        guard let compiled = try? TokenPattern(oniguruma: pattern, field: "fuzz") else { return }
        let validated = String(decoding: text, as: UTF8.self)
        Array(validated.utf8).withUnsafeBufferPointer {
            PatternSearch(compiled).forEachMatch(in: $0) { _ in }
        }
    }
}
