import Glibc

/// The tokenizer of a folder as metadata of a GGUF file.
struct GGUFTokenizerMetadata {
    private let folder: String
    private let tokenizer: JSONValue
    private let config: JSONValue?
    /// Rows of the embedding: ids without a token are filled up.
    private let vocabulary: Int

    init(folder: String, vocabulary: Int) throws(CheckpointError) {
        self.folder = folder
        self.vocabulary = vocabulary
        let (path, configPath) = (folder + "/tokenizer.json", folder + "/tokenizer_config.json")
        config = access(configPath, F_OK) == 0 ? try CheckpointFolder.json(configPath) : nil
        if access(path, F_OK) == 0 {
            tokenizer = try CheckpointFolder.json(path, limit: 256 << 20)
        } else {
            let file = try MemoryMappedFile(path: folder + "/tokenizer.model")
            do throws(TokenizerError) {
                tokenizer = try SentencePieceModel(Array(file.bytes)).document(config: config)
                    .tokenizer
            } catch {
                throw .malformed(path: file.path, reason: error.description)
            }
        }
    }

    private func refuse(_ reason: String) -> CheckpointError {
        .unsupported(tensor: folder + "/tokenizer.json", reason: reason)
    }

    func write(to writer: inout GGUFWriter<CheckpointError>) throws(CheckpointError) {
        let model = tokenizer["model"]
        guard model?["type"]?.string ?? "BPE" == "BPE", let vocab = model?["vocab"]?.object else {
            throw refuse("only BPE tokenizers can be written as GGUF")
        }
        var tokens = (0..<vocabulary).map { "[PAD\($0)]" }
        var kinds = [Int32](repeating: 5, count: vocabulary)
        for (text, id) in vocab.members {
            guard let id = id.int, tokens.indices.contains(id) else {
                throw refuse("token \(quoted(text)) is beyond the embedding")
            }
            (tokens[id], kinds[id]) = (text, 1)
        }
        for token in tokenizer["added_tokens"]?.array ?? [] {
            guard let id = token["id"]?.int, let text = token["content"]?.string,
                tokens.indices.contains(id)
            else { continue }
            (tokens[id], kinds[id]) = (text, token["special"]?.bool == true ? 3 : 4)
        }
        let merges = (model?["merges"]?.array ?? []).map { merge in
            merge.string ?? (merge.array ?? []).compactMap(\.string).joined(separator: " ")
        }
        if model?["byte_fallback"]?.bool == true {
            try writeSentencePiece(tokens, kinds, merges, to: &writer)
        } else {
            guard let pre = GGUFPreTokenizer.name(of: tokenizer["pre_tokenizer"]) else {
                throw refuse("llama.cpp has no name for its pre_tokenizer")
            }
            writer.set("tokenizer.ggml.model", "gpt2")
            writer.set("tokenizer.ggml.pre", pre)
            writer.set("tokenizer.ggml.tokens", tokens)
            writer.set("tokenizer.ggml.token_type", kinds)
            writer.set("tokenizer.ggml.merges", merges)
        }
        writeSpecial(tokens, to: &writer)
        if let template = try? ChatTemplateSet.load(folder: folder)?.main.source {
            writer.set("tokenizer.chat_template", template)
        }
    }

    /// Scores say the order in which pairs are joined: a token's is that of its first merge.
    private func writeSentencePiece(
        _ tokens: [String],
        _ kinds: [Int32],
        _ merges: [String],
        to writer: inout GGUFWriter<CheckpointError>
    ) throws(CheckpointError) {
        var ranks: [String: Int] = [:]
        for (rank, merge) in merges.enumerated() {
            let joined = merge.split(separator: " ", omittingEmptySubsequences: false).joined()
            if ranks[joined] == nil { ranks[joined] = rank }
        }
        var kinds = kinds
        for (id, token) in tokens.enumerated() where kinds[id] == 1 {
            if token.utf8.count == 6, token.hasPrefix("<0x"), token.hasSuffix(">") { kinds[id] = 6 }
        }
        let unknown = tokenizer["model"]?["unk_token"]?.string
        if let id = tokens.firstIndex(where: { $0 == unknown }) {
            kinds[id] = 2
            writer.set("tokenizer.ggml.unknown_token_id", UInt32(id))
        }
        let text = tokenizer["normalizer"]?.serialized ?? ""
        writer.set("tokenizer.ggml.model", "llama")
        writer.set("tokenizer.ggml.tokens", tokens)
        writer.set(
            "tokenizer.ggml.scores",
            tokens.map { -Float(ranks[$0] ?? merges.count) }
        )
        writer.set("tokenizer.ggml.token_type", kinds)
        writer.set("tokenizer.ggml.add_space_prefix", text.contains("Prepend"))
    }

    private func writeSpecial(
        _ tokens: [String],
        to writer: inout GGUFWriter<CheckpointError>
    ) {
        for (field, key) in [("bos_token", "bos"), ("eos_token", "eos"), ("pad_token", "padding")] {
            let value = config?[field]
            guard let text = value?.string ?? value?["content"]?.string,
                let id = tokens.firstIndex(where: { $0.utf8.elementsEqual(text.utf8) })
            else { continue }
            writer.set("tokenizer.ggml.\(key)_token_id", UInt32(id))
        }
        let post = tokenizer["post_processor"]?.serialized ?? ""
        writer.set("tokenizer.ggml.add_bos_token", post.contains("SpecialToken"))
    }
}

extension GGUFPreTokenizer {
    /// llama.cpp's name for a `pre_tokenizer`; nil where it has none.
    static func name(of json: JSONValue?) -> String? {
        let wanted = steps(json)
        let usual = [
            "llama-bpe", "qwen2", "gpt-2", "smollm", "tekken", "gpt-4o", "deepseek-coder",
            "deepseek-v3",
        ]
        return usual.first { steps(GGUFPreTokenizer(name: $0)?.json) == wanted }
    }

    /// What its steps do, sequences unrolled.
    private static func steps(_ json: JSONValue?) -> [String] {
        switch json?["type"]?.string {
        case "Sequence": (json?["pretokenizers"]?.array ?? []).flatMap { steps($0) }
        case "ByteLevel": ["bytes \(json?["use_regex"]?.bool ?? true)"]
        case let type?: [type + (json?["pattern"]?["Regex"]?.string ?? "")]
        case nil: []
        }
    }
}
