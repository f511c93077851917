/// The tokenizer in a GGUF file's metadata as `tokenizer.json`.
struct GGUFTokenizer {
    private let model: GGUFModel
    /// By id.
    private let tokens: [String]
    private let kinds: [SentencePieceVocabulary.Kind]

    init(_ model: GGUFModel) throws(CheckpointError) {
        self.model = model
        guard let tokens = try model.array("tokenizer.ggml.tokens"), !tokens.isEmpty else {
            throw model.malformed("it has no tokenizer")
        }
        self.tokens = tokens.compactMap(\.string)
        let kinds =
            try model.array("tokenizer.ggml.token_type")
            ?? Array(repeating: .unsigned(1), count: tokens.count)
        self.kinds = kinds.map {
            $0.unsigned.flatMap(SentencePieceVocabulary.Kind.init(rawValue:)) ?? .normal
        }
        guard self.tokens.count == tokens.count, kinds.count == tokens.count else {
            throw model.malformed("its tokens and their types do not fit each other")
        }
    }

    /// The documents that Hugging Face checkpoints have.
    func document() throws(CheckpointError) -> TokenizerDocument {
        let kind = model.metadata["tokenizer.ggml.model"]?.string ?? "?"
        var config = JSONObject()
        for (key, field) in [
            ("bos", "bos_token"), ("eos", "eos_token"), ("unknown", "unk_token"),
            ("padding", "pad_token"),
        ] {
            config[field] = token(key).map { .string($0.text) }
        }
        switch kind {
        case "gpt2": return TokenizerDocument(tokenizer: try byteLevel(), config: config)
        case "llama": return TokenizerDocument(tokenizer: try sentencePiece(), config: config)
        default:
            throw model.malformed(
                "tokenizers of kind \(quoted(kind)) are not supported; supported: gpt2, llama"
            )
        }
    }

    private func token(_ key: String) -> (text: String, id: Int)? {
        guard let id = model.metadata["tokenizer.ggml.\(key)_token_id"]?.unsigned,
            tokens.indices.contains(id)
        else { return nil }
        return (tokens[id], id)
    }

    /// What llama.cpp puts before and after a text.
    private func postProcessor(begins: Bool) -> JSONValue? {
        func adds(_ key: String, _ usual: Bool) -> Bool {
            model.metadata["tokenizer.ggml.add_\(key)_token"]?.bool ?? usual
        }
        return TokenizerDocument.postProcessor(
            begin: adds("bos", begins) ? token("bos") : nil,
            end: adds("eos", false) ? token("eos") : nil
        )
    }

    /// BPE over bytes.
    private func byteLevel() throws(CheckpointError) -> JSONValue {
        let name = model.metadata["tokenizer.ggml.pre"]?.string ?? "default"
        guard let pre = GGUFPreTokenizer(name: name) else {
            throw model.malformed(
                "the pre-tokenizer \(quoted(name)) is not supported; supported: "
                    + GGUFPreTokenizer.names.joined(separator: ", ")
            )
        }
        guard let merges = try model.array("tokenizer.ggml.merges") else {
            throw model.malformed("its tokenizer has no merges")
        }
        let vocabulary = tokens.enumerated().map { (key: $1, value: JSONValue($0)) }
        var document: JSONObject = [
            "model": [
                "type": "BPE", "vocab": .object(JSONObject(vocabulary)),
                "merges": .array(merges.map { .string($0.string ?? "") }),
                "ignore_merges": .bool(pre.ignoresMerges),
            ],
            "added_tokens": .array(added()), "pre_tokenizer": pre.json,
            "decoder": ["type": "ByteLevel"],
        ]
        document["post_processor"] = postProcessor(begins: pre.begins)
        return .object(document)
    }

    private func added() -> [JSONValue] {
        tokens.indices.compactMap { id in
            switch kinds[id] {
            case .control, .unknown, .userDefined:
                SentencePieceVocabulary.addedToken(
                    tokens[id],
                    id: id,
                    isSpecial: kinds[id] != .userDefined
                )
            default: nil
            }
        }
    }

    /// SentencePiece's BPE: merges by score, bytes where no piece fits.
    private func sentencePiece() throws(CheckpointError) -> JSONValue {
        let scores = try model.array("tokenizer.ggml.scores")?.compactMap(\.double) ?? []
        guard scores.count == tokens.count, scores.allSatisfy(\.isFinite) else {
            throw model.malformed("its tokens and their scores do not fit each other")
        }
        let vocabulary = SentencePieceVocabulary(
            pieces: tokens.indices.map {
                .init(text: tokens[$0], score: Float(scores[$0]), kind: kinds[$0])
            }
        )
        let addsPrefix = model.metadata["tokenizer.ggml.add_space_prefix"]?.bool ?? true
        let bpe: JSONValue
        do throws(TokenizerError) {
            bpe = try vocabulary.bpe()
        } catch {
            throw model.malformed("\(error)")
        }
        var document: JSONObject = [
            "model": bpe, "added_tokens": .array(vocabulary.addedTokens),
            "normalizer": TokenizerDocument.spaces(addsPrefix: addsPrefix),
            "decoder": TokenizerDocument.decoder(stripsPrefix: addsPrefix),
        ]
        document["post_processor"] = postProcessor(begins: true)
        return .object(document)
    }
}
