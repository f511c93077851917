/// One step on the way from tokens to text; it maps tokens to tokens.
indirect enum DecoderStep: Sendable {
    case byteLevel
    case byteFallback
    case fuse
    case replaceLiteral([UInt8], with: [UInt8])
    case replacePattern(TokenPattern, with: [UInt8])
    case strip(Unicode.Scalar, start: Int, stop: Int)
    case metaspace(Unicode.Scalar, dropsFirst: Bool)
    case wordPiece(prefix: [UInt8], cleansUp: Bool)
    case bpe(suffix: [UInt8])
    case ctc(pad: [UInt8], delimiter: [UInt8], cleansUp: Bool)
    /// No decoder: tokens stand side by side with spaces between.
    case spaces

    private static let supported = [
        "BPEDecoder", "ByteFallback", "ByteLevel", "CTC", "Fuse", "Metaspace", "Replace",
        "Sequence", "Strip", "WordPiece",
    ]

    /// The steps of a decoder, sequences unrolled.
    static func steps(_ section: TokenizerSection) throws(TokenizerError) -> [DecoderStep] {
        let type = try section.type()
        guard type == "Sequence" else { return [try step(section, type)] }
        var steps: [DecoderStep] = []
        for element in try section.sections("decoders") { steps += try self.steps(element) }
        return steps
    }

    private static func step(_ section: TokenizerSection, _ type: String) throws(TokenizerError)
        -> DecoderStep
    {
        switch type {
        case "ByteLevel": return .byteLevel
        case "ByteFallback": return .byteFallback
        case "Fuse": return .fuse
        case "Replace":
            let new = Array(try section.string("content").utf8)
            if let old = section["pattern"]?["String"]?.string, !old.isEmpty {
                return .replaceLiteral(Array(old.utf8), with: new)
            }
            return .replacePattern(try section.pattern("pattern"), with: new)
        case "Strip":
            let start = try section.int("start", default: 0)
            let stop = try section.int("stop", default: 0)
            guard start >= 0, stop >= 0 else { throw section.invalid("start", "is negative") }
            return .strip(try section.scalar("content"), start: start, stop: stop)
        case "Metaspace":
            let metaspace = try PreTokenizer.Metaspace(section)
            let drops = metaspace.prependScheme != .never
            return .metaspace(metaspace.replacement, dropsFirst: drops)
        case "WordPiece":
            return .wordPiece(
                prefix: Array((try section.optionalString("prefix") ?? "##").utf8),
                cleansUp: try section.bool("cleanup", default: true)
            )
        case "BPEDecoder":
            return .bpe(suffix: Array((try section.optionalString("suffix") ?? "</w>").utf8))
        case "CTC":
            return .ctc(
                pad: Array((try section.optionalString("pad_token") ?? "<pad>").utf8),
                delimiter: Array((try section.optionalString("word_delimiter_token") ?? "|").utf8),
                cleansUp: try section.bool("cleanup", default: true)
            )
        default: throw section.unsupported(type, supported: supported)
        }
    }
}
