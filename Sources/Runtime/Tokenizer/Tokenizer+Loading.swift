import Glibc

extension Tokenizer {
    /// Loads the tokenizer of a checkpoint: of a folder `tokenizer.json`, or where it is missing
    /// `tokenizer.model`, and `tokenizer_config.json` where it is there; of a GGUF file what its metadata say.
    public convenience init(folder: String) throws(TokenizerError) {
        if GGUFModel.isNamed(folder) {
            let document: TokenizerDocument
            do throws(CheckpointError) {
                document = try GGUFTokenizer(GGUFModel(path: folder)).document()
            } catch {
                throw .inCheckpoint(error)
            }
            try self.init(document.tokenizer, config: .object(document.config))
            return
        }
        let path = folder + "/tokenizer.json"
        let configPath = folder + "/tokenizer_config.json"
        var config: JSONValue?
        if access(configPath, F_OK) == 0 {
            config = try Self.parse(try Self.read(configPath), file: "tokenizer_config.json")
        }
        guard access(path, F_OK) != 0 else {
            try self.init(tokenizerJSON: try Self.read(path), config: config)
            return
        }
        let sentencePiece = folder + "/tokenizer.model"
        guard access(sentencePiece, F_OK) == 0 else {
            throw .unreadable(path: path, reason: "there is no such file")
        }
        let model = try SentencePieceModel(try Self.read(sentencePiece))
        let document = try model.document(config: config)
        try self.init(document.tokenizer, config: .object(document.config))
    }

    /// Makes a tokenizer from the text of `tokenizer.json`.
    /// - Parameter config: `tokenizer_config.json`, where there is one.
    public convenience init(tokenizerJSON: [UInt8], config: JSONValue?) throws(TokenizerError) {
        try self.init(Self.parse(tokenizerJSON, file: "tokenizer.json"), config: config)
    }

    private convenience init(_ json: JSONValue, config: JSONValue?) throws(TokenizerError) {
        let root = try TokenizerSection(json, path: "tokenizer")
        let config = try config.map(TokenizerConfig.init) ?? TokenizerConfig()
        try self.init(Self.parts(root, config: config), config: config)
    }

    private static func parts(_ root: TokenizerSection, config: TokenizerConfig)
        throws(TokenizerError) -> Parts
    {
        let model = try model(TokenizerSection(try root.required("model"), path: "model"))
        var added: [AddedToken] = []
        if root["added_tokens"] != nil {
            for section in try root.sections("added_tokens") {
                added.append(try AddedToken(section))
            }
        }
        // transformers adds what only the configuration knows.
        let known = Set(added.map(\.content))
        added += config.addedTokens.filter { !known.contains($0.content) }
        let normalizers = try root.part("normalizer").map(Normalizer.steps) ?? []
        try normalizers.checkGrowth()
        let preTokenizers = try root.part("pre_tokenizer").map(PreTokenizer.steps) ?? []
        try preTokenizers.checkGrowth()
        let decoder = try root.part("decoder").map(DecoderStep.steps) ?? [.spaces]
        try decoder.checkGrowth()
        return Parts(
            model: model,
            added: AddedVocabulary(added, vocabulary: model.vocabulary),
            normalizers: normalizers,
            preTokenizers: preTokenizers,
            postProcessor: try root.part("post_processor").map(PostProcessor.init)
                ?? PostProcessor(),
            decoder: decoder
        )
    }

    private static func model(_ section: TokenizerSection) throws(TokenizerError)
        -> any TokenModel
    {
        // Files of old have no type; what they hold tells.
        let type =
            try section.optionalString("type")
            ?? (section["merges"] != nil ? "BPE" : section["unk_id"] != nil ? "Unigram" : "")
        switch type {
        case "BPE": return try BPEModel(section)
        case "Unigram": return try UnigramModel(section)
        case "WordPiece": return try WordPieceModel(section)
        case "WordLevel": return try WordLevelModel(section)
        default:
            throw section.unsupported(
                type,
                supported: ["BPE", "Unigram", "WordLevel", "WordPiece"]
            )
        }
    }

    private static func parse(_ bytes: [UInt8], file: String) throws(TokenizerError) -> JSONValue {
        do throws(JSONError) {
            return try JSONValue(parsing: bytes)
        } catch {
            throw .malformed(file: file, error: error)
        }
    }

    private static func read(_ path: String) throws(TokenizerError) -> [UInt8] {
        guard let file = fopen(path, "rb") else {
            throw .unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            bytes += chunk.prefix(count)
            if count < chunk.count { break }
        }
        guard ferror(file) == 0 else {
            throw .unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        return bytes
    }
}

extension TokenizerSection {
    /// A part of the root that may be `null`.
    fileprivate func part(_ key: String) throws(TokenizerError) -> TokenizerSection? {
        try self[key].map { value throws(TokenizerError) in
            try TokenizerSection(value, path: key)
        }
    }
}
