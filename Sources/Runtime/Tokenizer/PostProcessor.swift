/// What stands before and after the ids of a text when special tokens are asked for.
struct PostProcessor: Sendable {
    private(set) var prefix: [Int32] = []
    private(set) var suffix: [Int32] = []

    private static let supported = [
        "BertProcessing", "ByteLevel", "RobertaProcessing", "Sequence", "TemplateProcessing",
    ]

    /// A post-processor that adds nothing.
    init() {}

    init(_ section: TokenizerSection) throws(TokenizerError) {
        switch try section.type() {
        // Only about offsets, which are not kept.
        case "ByteLevel": break
        case "BertProcessing", "RobertaProcessing":
            prefix = [try Self.pairID(section, "cls")]
            suffix = [try Self.pairID(section, "sep")]
        case "TemplateProcessing": try readTemplate(section)
        case "Sequence":
            for element in try section.sections("processors") {
                let processor = try PostProcessor(element)
                if processor.prefix.isEmpty, processor.suffix.isEmpty { continue }
                guard prefix.isEmpty, suffix.isEmpty else {
                    throw section.invalid("processors", "two that add tokens are not supported")
                }
                self = processor
            }
        case let type: throw section.unsupported(type, supported: Self.supported)
        }
    }

    /// The id in `["[CLS]", 101]`.
    private static func pairID(_ section: TokenizerSection, _ key: String) throws(TokenizerError)
        -> Int32
    {
        let pair = try section.array(key)
        guard pair.count == 2, let id = pair[1].int.flatMap({ Int32(exactly: $0) }), id >= 0 else {
            throw section.invalid(key, "expected a token and its id")
        }
        return id
    }

    private mutating func readTemplate(_ section: TokenizerSection) throws(TokenizerError) {
        let special = try TokenizerSection(
            section["special_tokens"] ?? .object([:]),
            path: "\(section.path).special_tokens"
        )
        var isAfterText = false
        for piece in try section.sections("single") {
            if let sequence = piece["Sequence"] {
                guard sequence["id"]?.string == "A", !isAfterText else {
                    throw section.invalid("single", "expected the text 'A' once")
                }
                isAfterText = true
            } else if let name = piece["SpecialToken"]?["id"]?.string {
                let token = try TokenizerSection(
                    try special.required(name),
                    path: "\(special.path).\(name)"
                )
                for id in try token.array("ids") {
                    guard let id = id.int.flatMap({ Int32(exactly: $0) }), id >= 0 else {
                        throw token.invalid("ids", "expected ids")
                    }
                    if isAfterText { suffix.append(id) } else { prefix.append(id) }
                }
            } else {
                throw section.invalid("single", "expected SpecialToken or Sequence")
            }
        }
        guard isAfterText else { throw section.invalid("single", "the text is missing") }
    }
}
