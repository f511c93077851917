/// BERT's cleaning: control characters, Chinese characters, accents, case.
struct BertNormalizer: Sendable {
    var cleansText: Bool
    var spacesChinese: Bool
    var stripsAccents: Bool
    var lowercases: Bool

    init(_ section: TokenizerSection) throws(TokenizerError) {
        cleansText = try section.bool("clean_text", default: true)
        spacesChinese = try section.bool("handle_chinese_chars", default: true)
        lowercases = try section.bool("lowercase", default: true)
        stripsAccents = try section.bool("strip_accents", default: lowercases)
    }

    func apply(to text: inout NormalizedText) {
        if cleansText {
            text.mapScalars { output, scalar in
                if Self.isRemoved(scalar) { return }
                if scalar.properties.isWhitespace {
                    output.append(0x20)
                } else {
                    output.append(scalar)
                }
            }
        }
        if spacesChinese {
            text.mapScalars { output, scalar in
                guard Self.isChinese(scalar) else { return output.append(scalar) }
                output.append(0x20)
                output.append(scalar)
                output.append(0x20)
            }
        }
        if stripsAccents {
            text.bytes = NormalizationForm.decomposed.apply(to: text.bytes)
            text.mapScalars { output, scalar in
                if scalar.value < 0x300
                    || scalar.properties.generalCategory != .nonspacingMark
                    || !scalar.isAssigned(in: UnicodeVersion.categories)
                {
                    output.append(scalar)
                }
            }
        }
        if lowercases { text.mapScalars { $0.append(lowercase: $1) } }
    }

    private static func isRemoved(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\t", "\n", "\r": return false
        case "\0", "\u{FFFD}": return true
        default: break
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .privateUse, .surrogate:
            return scalar.isAssigned(in: UnicodeVersion.categories)
        default: return false
        }
    }

    private static func isChinese(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F,
            0x2B740...0x2B81F, 0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
            true
        default: false
        }
    }
}
