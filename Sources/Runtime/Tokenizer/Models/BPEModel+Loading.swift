extension BPEModel {
    /// Reads a model of type `BPE`.
    convenience init(_ section: TokenizerSection) throws(TokenizerError) {
        if let dropout = section["dropout"]?.double, dropout != 0 {
            throw section.invalid("dropout", "is for training: ids would differ from call to call")
        }
        let options = Options(
            unknownToken: try section.optionalString("unk_token"),
            continuingPrefix: try section.optionalString("continuing_subword_prefix") ?? "",
            endOfWordSuffix: try section.optionalString("end_of_word_suffix") ?? "",
            fuseUnknown: try section.bool("fuse_unk", default: false),
            byteFallback: try section.bool("byte_fallback", default: false),
            ignoreMerges: try section.bool("ignore_merges", default: false)
        )
        let vocabulary = try Vocabulary(section.idsByText("vocab"), field: "model.vocab")
        var reader = MergeReader(vocabulary: vocabulary, prefix: options.continuingPrefix)
        for (index, merge) in try section.array("merges").enumerated() {
            try reader.read(merge, index: index)
        }
        try self.init(
            vocabulary: vocabulary,
            merges: MergeTable(reader.merges),
            options: options,
            wordsAreIndependent: reader.wordsAreIndependent
        )
    }
}

extension TokenizerSection {
    /// An object of token → id.
    func idsByText(_ key: String) throws(TokenizerError) -> [(text: String, id: Int)] {
        guard let object = try required(key).object else {
            throw invalid(key, "expected an object")
        }
        var tokens: [(text: String, id: Int)] = []
        tokens.reserveCapacity(object.members.count)
        for (text, value) in object.members {
            guard let id = value.int else {
                throw invalid(key, "the id of '\(text)' is no integer")
            }
            tokens.append((text: text, id: id))
        }
        return tokens
    }
}

/// Reads merges in both spellings, `"a b"` and `["a", "b"]`, into ids.
private struct MergeReader {
    let vocabulary: Vocabulary
    /// How many bytes the right part loses when it is joined.
    let prefixLength: Int
    var merges: [(left: Int32, right: Int32, token: Int32)] = []
    /// Whether no merge joins something that is not `▁` with something that begins with `▁`.
    var wordsAreIndependent: Bool
    private var joined: [UInt8] = []

    init(vocabulary: Vocabulary, prefix: String) {
        self.vocabulary = vocabulary
        prefixLength = prefix.utf8.count
        wordsAreIndependent = vocabulary.id(of: "▁") != nil
    }

    mutating func read(_ json: JSONValue, index: Int) throws(TokenizerError) {
        switch json {
        case .string(var text):
            let ids = text.withUTF8 { line -> Result<(Int32, Int32, Int32), TokenizerError> in
                guard let space = line.firstIndex(of: 0x20), !line[(space + 1)...].contains(0x20)
                else {
                    return .failure(Self.malformed(index))
                }
                return resolve(
                    UnsafeBufferPointer(rebasing: line[..<space]),
                    UnsafeBufferPointer(rebasing: line[(space + 1)...]),
                    index
                )
            }
            merges.append(try ids.get())
        case .array(let pair) where pair.count == 2:
            guard var left = pair[0].string, var right = pair[1].string else {
                throw Self.malformed(index)
            }
            let ids = left.withUTF8 { left in right.withUTF8 { resolve(left, $0, index) } }
            merges.append(try ids.get())
        default:
            throw Self.malformed(index)
        }
    }

    private mutating func resolve(
        _ left: UnsafeBufferPointer<UInt8>,
        _ right: UnsafeBufferPointer<UInt8>,
        _ index: Int
    ) -> Result<(Int32, Int32, Int32), TokenizerError> {
        joined.removeAll(keepingCapacity: true)
        joined.append(contentsOf: left)
        joined.append(contentsOf: right.dropFirst(prefixLength))
        let token = joined.withUnsafeBufferPointer { vocabulary.id(of: $0) }
        let (leftID, rightID) = (vocabulary.id(of: left), vocabulary.id(of: right))
        guard leftID >= 0, rightID >= 0, token >= 0 else {
            let text = leftID < 0 ? Array(left) : rightID < 0 ? Array(right) : joined
            let name = String(decoding: text, as: UTF8.self)
            let reason = "'\(name)' is not in the vocabulary"
            return .failure(.invalid(field: "model.merges[\(index)]", reason: reason))
        }
        let mark = BPEModel.wordMark
        if wordsAreIndependent, right.starts(with: mark),
            !left.suffix(mark.count).elementsEqual(mark)
        {
            wordsAreIndependent = false
        }
        return .success((leftID, rightID, token))
    }

    private static func malformed(_ index: Int) -> TokenizerError {
        .invalid(field: "model.merges[\(index)]", reason: "expected two tokens")
    }
}
