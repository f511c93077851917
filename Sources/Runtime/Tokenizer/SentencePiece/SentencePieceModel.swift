/// A SentencePiece `tokenizer.model`: the fields of `sentencepiece_model.proto` that make ids of text.
struct SentencePieceModel {
    private enum Algorithm: UInt64 {
        case unigram = 1
        case bpe = 2
    }

    private var pieces: [SentencePieceVocabulary.Piece] = []
    private var algorithm: UInt64 = Algorithm.unigram.rawValue
    private var charsmap: [UInt8] = []
    private var addsPrefix = true
    private var removesSpaces = true
    private var ids: [Int: UInt64] = [Field.unknown: 0, Field.begin: 1, Field.end: 2]

    private enum Field {
        static let modelType = 3, unknown = 40, begin = 41, end = 42, padding = 43
    }

    /// Reads a file's bytes.
    init(_ bytes: [UInt8]) throws(TokenizerError) {
        var reader = ProtobufReader(bytes[...])
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (1, .bytes(let message)): pieces.append(try Self.piece(message))
            case (2, .bytes(let message)): try readTrainer(message)
            case (3, .bytes(let message)): try readNormalizer(message)
            default: break
            }
        }
        guard !pieces.isEmpty else { throw ProtobufReader.malformed("it has no pieces") }
    }

    private static func piece(
        _ message: ArraySlice<UInt8>
    ) throws(TokenizerError) -> SentencePieceVocabulary.Piece {
        var piece = SentencePieceVocabulary.Piece(text: "", score: 0, kind: .normal)
        var reader = ProtobufReader(message)
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (1, .bytes(let text)):
                guard let text = String(validating: text, as: UTF8.self) else {
                    throw ProtobufReader.malformed("a piece is not UTF-8")
                }
                piece.text = text
            case (2, .fixed32(let bits)):
                piece.score = Float(bitPattern: bits)
                guard piece.score.isFinite else {
                    throw ProtobufReader.malformed("a score is no number")
                }
            case (3, .varint(let number)):
                guard
                    let kind = Int(exactly: number).flatMap(
                        SentencePieceVocabulary.Kind.init(rawValue:)
                    )
                else { throw ProtobufReader.malformed("a piece is of the kind \(number)") }
                piece.kind = kind
            default: break
            }
        }
        // They are sought in the text as it is given, where spaces are spaces.
        if piece.kind == .userDefined {
            piece.text = String(
                piece.text.unicodeScalars.map { $0 == "▁" ? " " : Character($0) }
            )
        }
        return piece
    }

    private mutating func readTrainer(_ message: ArraySlice<UInt8>) throws(TokenizerError) {
        var reader = ProtobufReader(message)
        while let (field, value) = try reader.next() {
            guard case .varint(let number) = value else { continue }
            if field == Field.modelType { algorithm = number }
            if (Field.unknown...Field.padding).contains(field) { ids[field] = number }
        }
    }

    private mutating func readNormalizer(_ message: ArraySlice<UInt8>) throws(TokenizerError) {
        var reader = ProtobufReader(message)
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (2, .bytes(let map)): charsmap = Array(map)
            case (3, .varint(let flag)): addsPrefix = flag != 0
            case (4, .varint(let flag)): removesSpaces = flag != 0
            default: break
            }
        }
    }

    /// The documents that transformers writes for such a model.
    /// - Parameter config: `tokenizer_config.json`, where there is one; what it says comes first.
    func document(config: JSONValue?) throws(TokenizerError) -> TokenizerDocument {
        let vocabulary = SentencePieceVocabulary(pieces: pieces)
        let model: JSONValue
        switch Algorithm(rawValue: algorithm) {
        case .unigram: model = vocabulary.unigram()
        case .bpe: model = try vocabulary.bpe()
        case nil:
            throw .invalid(
                field: "tokenizer.model",
                reason: "model type \(algorithm) is not supported; supported: unigram, bpe"
            )
        }
        var own = config?.object ?? JSONObject()
        for (name, field) in [
            ("unk_token", Field.unknown), ("bos_token", Field.begin), ("eos_token", Field.end),
            ("pad_token", Field.padding),
        ] where own[name] == nil {
            own[name] = token(field).map { .string($0.text) }
        }
        let prefix = config?["add_prefix_space"]?.bool ?? addsPrefix
        var document: JSONObject = [
            "model": model, "added_tokens": .array(vocabulary.addedTokens),
            "normalizer": normalizer(addsPrefix: prefix),
            "decoder": TokenizerDocument.decoder(stripsPrefix: prefix),
        ]
        document["post_processor"] = TokenizerDocument.postProcessor(
            begin: config?["add_bos_token"]?.bool ?? true ? token(Field.begin) : nil,
            end: config?["add_eos_token"]?.bool ?? false ? token(Field.end) : nil
        )
        return TokenizerDocument(tokenizer: .object(document), config: own)
    }

    private func token(_ field: Int) -> (text: String, id: Int)? {
        // Minus one, which means none, is a large number here.
        guard let id = ids[field].flatMap({ Int(exactly: $0) }), pieces.indices.contains(id) else {
            return nil
        }
        return (pieces[id].text, id)
    }

    private func normalizer(addsPrefix: Bool) -> JSONValue {
        var steps: [JSONValue] = []
        if !charsmap.isEmpty {
            steps.append([
                "type": "Precompiled", "precompiled_charsmap": .string(Base64.text(charsmap)),
            ])
        }
        if removesSpaces {
            steps += [
                ["type": "Strip", "strip_left": true, "strip_right": true],
                ["type": "Replace", "pattern": ["Regex": " {2,}"], "content": " "],
            ]
        }
        steps.append(TokenizerDocument.spaces(addsPrefix: addsPrefix))
        return ["type": "Sequence", "normalizers": .array(steps)]
    }
}
