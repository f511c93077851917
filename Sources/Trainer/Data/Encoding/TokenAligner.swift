/// Finds which tokens of a whole text lie in given ranges of it.
///
/// The text is encoded once, as serving does it: a token may reach over the border of a range, and
/// encoding the ranges by themselves would give other tokens. So the ids stay as they are, and only
/// the question which bytes each stands for is answered here.
struct TokenAligner {
    let tokenizer: any ExampleTokenizer
    private let text: [UInt8]
    private let ids: [Int32]

    init(tokenizer: any ExampleTokenizer, text: String, ids: [Int32]) {
        self.tokenizer = tokenizer
        self.text = Array(text.utf8)
        self.ids = ids
    }

    /// For each token the index of the range it has a byte of, or `nil` for none.
    ///
    /// A token on a border belongs to the range: the model must say it to say the range's text.
    /// - Parameter ranges: UTF-8 offsets, ascending, not overlapping.
    /// - Returns: `nil` where the tokens cannot be followed through the text.
    func owners(of ranges: [Range<Int>]) -> [Int?]? {
        if let spans = spansOfBytes() { return owners(of: ranges, spans) }
        return ownersByParts(of: ranges)
    }

    // MARK: - By the bytes of the tokens

    /// The range of the text each token stands for: their bytes, one after the other, are the text,
    /// but for space that the tokenizer adds at beginnings or takes away beside special tokens.
    private func spansOfBytes() -> [Range<Int>]? {
        var spans: [Range<Int>] = []
        spans.reserveCapacity(ids.count)
        var position = 0
        for id in ids {
            let bytes = tokenizer.bytes(of: id)
            guard let start = place(of: bytes, from: position, id: id) else { return nil }
            spans.append(start)
            position = start.upperBound
        }
        return text[position...].allSatisfy(Self.isSpace) ? spans : nil
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte)
    }

    private func place(of bytes: [UInt8], from position: Int, id: Int32) -> Range<Int>? {
        if let end = end(of: bytes[...], at: position) { return position..<end }
        if bytes.first == 0x20, let end = end(of: bytes.dropFirst(), at: position) {
            return position..<end
        }
        // A token that begins or ends the text without standing in it.
        if position == 0 || position == text.count, tokenizer.specialIDs.contains(id) {
            return position..<position
        }
        var start = position
        while start < text.count, Self.isSpace(text[start]) { start += 1 }
        guard start > position else { return nil }
        if let end = end(of: bytes[...], at: start) { return start..<end }
        guard bytes.first == 0x20, let end = end(of: bytes.dropFirst(), at: start) else {
            return nil
        }
        return start..<end
    }

    /// Where a token's bytes end that stand at a position of the text; `nil` where they do not.
    ///
    /// SentencePiece writes a space as U+2581, so that this character itself comes back as one.
    private func end(of bytes: ArraySlice<UInt8>, at position: Int) -> Int? {
        var position = position
        for byte in bytes {
            let rest = text[position...]
            if rest.first == byte {
                position += 1
            } else if byte == 0x20, rest.starts(with: Self.spaceMark) {
                position += Self.spaceMark.count
            } else {
                return nil
            }
        }
        return position
    }

    private static let spaceMark = Array("\u{2581}".utf8)

    private func owners(of ranges: [Range<Int>], _ spans: [Range<Int>]) -> [Int?] {
        var owners: [Int?] = []
        owners.reserveCapacity(spans.count)
        var first = 0
        for span in spans {
            while first < ranges.count, ranges[first].upperBound <= span.lowerBound { first += 1 }
            // A token without bytes of its own is the space put before what follows it.
            let isHere =
                first < ranges.count
                && (span.isEmpty
                    ? ranges[first].contains(span.lowerBound) : ranges[first].overlaps(span))
            owners.append(isHere ? first : nil)
        }
        return owners
    }

    // MARK: - By the parts of the text

    /// Where a normalizer changes bytes: the parts between the borders encoded by themselves, if
    /// that gives the very same ids.
    private func ownersByParts(of ranges: [Range<Int>]) -> [Int?]? {
        var owners: [Int?] = []
        var position = 0
        for (index, range) in ranges.enumerated() {
            guard append(position..<range.lowerBound, nil, to: &owners),
                append(range, index, to: &owners)
            else { return nil }
            position = range.upperBound
        }
        guard append(position..<text.count, nil, to: &owners), owners.count == ids.count else {
            return nil
        }
        return owners
    }

    private func append(_ part: Range<Int>, _ owner: Int?, to owners: inout [Int?]) -> Bool {
        guard let piece = String(validating: text[part], as: UTF8.self) else { return false }
        let encoded = tokenizer.encode(piece, addSpecialTokens: false, parseSpecial: true)
        guard ids[owners.count...].starts(with: encoded) else { return false }
        owners += [Int?](repeating: owner, count: encoded.count)
        return true
    }
}
