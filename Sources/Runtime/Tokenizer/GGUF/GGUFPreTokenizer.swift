/// How a text is cut before BPE, by the names llama.cpp gives it (`tokenizer.ggml.pre`).
///
/// The patterns are those of the tokenizers' own `tokenizer.json`, from which llama.cpp's derive.
struct GGUFPreTokenizer {
    /// `pre_tokenizer` of `tokenizer.json`.
    let json: JSONValue
    /// A piece that is a token is one, whatever merges would make of it.
    private(set) var ignoresMerges = false
    /// Texts begin with the token for it unless the file says otherwise.
    private(set) var begins = false

    init?(name: String) {
        guard let kind = Self.kinds[name] else { return nil }
        switch kind {
        case .llama3:
            json = Self.byteLevel(after: [Self.split(Self.words(digits: #"\p{N}{1,3}"#))])
            ignoresMerges = !["dbrx", "smaug-bpe", "glm4", "chatglm-bpe"].contains(name)
            begins = ignoresMerges
        case .qwen2: json = Self.byteLevel(after: [Self.split(Self.words(digits: #"\p{N}"#))])
        case .gpt2: json = Self.byteLevel(after: [], usesPattern: true)
        case .digits:
            json = Self.byteLevel(
                after: [["type": "Digits", "individual_digits": true]],
                usesPattern: true
            )
        case .tekken:
            json = Self.byteLevel(after: [Self.split(Self.cased(suffix: "", digits: #"\p{N}"#))])
            ignoresMerges = true
            begins = true
        case .gpt4o:
            json = Self.byteLevel(
                after: [
                    Self.split(
                        Self.cased(
                            suffix: "(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
                            digits: #"\p{N}{1,3}"#
                        )
                    )
                ]
            )
        case .deepseekCoder:
            json = Self.byteLevel(
                after: [
                    "[\r\n]", #"\s?\p{L}+"#, #"\s?\p{P}+"#, "[一-龥ࠀ-一가-퟿]+", #"\p{N}"#,
                ].map(Self.split)
            )
        case .deepseek3:
            json = Self.byteLevel(
                after: [#"\p{N}{1,3}"#, "[一-龥぀-ゟ゠-ヿ]+", Self.deepseek3].map(Self.split)
            )
        case .plain:
            json = Self.byteLevel(
                after: [
                    Self.split(#"[\p{P}\$\+<=>\^~\|]+"#), Self.split(Self.gpt2),
                    Self.split(#"\p{N}+"#), Self.split("[0-9][0-9][0-9]"),
                ]
            )
        }
    }

    /// The names that are known.
    static var names: [String] { kinds.keys.sorted() }

    private enum Kind {
        case llama3, qwen2, gpt2, digits, tekken, gpt4o, deepseekCoder, deepseek3, plain
    }

    private static let kinds: [String: Kind] = [
        "default": .plain, "llama3": .llama3, "llama-v3": .llama3, "llama-bpe": .llama3,
        "falcon3": .llama3, "falcon-h1": .llama3, "pixtral": .llama3, "midm-2.0": .llama3,
        "lfm2": .llama3, "dbrx": .llama3, "smaug-bpe": .llama3, "glm4": .llama3,
        "chatglm-bpe": .llama3, "qwen2": .qwen2, "deepseek-r1-qwen": .qwen2, "stablelm2": .qwen2,
        "megrez": .qwen2, "hunyuan": .qwen2, "gpt-2": .gpt2, "phi-2": .gpt2, "olmo": .gpt2,
        "mpt": .gpt2, "jais": .gpt2, "exaone4": .gpt2, "starcoder": .digits, "refact": .digits,
        "command-r": .digits, "smollm": .digits, "codeshell": .digits, "exaone": .digits,
        "minerva-7b": .digits, "tekken": .tekken, "gpt-4o": .gpt4o, "llama4": .gpt4o,
        "deepseek-coder": .deepseekCoder, "deepseek-v3": .deepseek3,
    ]

    private static func split(_ pattern: String) -> JSONValue {
        [
            "type": "Split", "pattern": ["Regex": .string(pattern)], "behavior": "Isolated",
            "invert": false,
        ]
    }

    private static func byteLevel(after: [JSONValue], usesPattern: Bool = false) -> JSONValue {
        let bytes: JSONValue = [
            "type": "ByteLevel", "add_prefix_space": false, "use_regex": .bool(usesPattern),
        ]
        return ["type": "Sequence", "pretokenizers": .array(after + [bytes])]
    }

    private static let gpt2 =
        #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

    /// Llama 3, Qwen 2: letters with one sign before them, digits in groups, signs with line ends.
    private static func words(digits: String) -> String {
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + digits
            + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }

    /// GPT-4o, Tekken: words also end where small letters are followed by capitals.
    private static func cased(suffix: String, digits: String) -> String {
        let (upper, lower) = (#"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#, #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#)
        let sign = #"[^\r\n\p{L}\p{N}]?"#
        return "\(sign)\(upper)*\(lower)+\(suffix)|\(sign)\(upper)+\(lower)*\(suffix)|\(digits)"
            + #"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }

    private static let deepseek3 =
        ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?"##
        + #"[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
}
