/// One step of normalizing text before it is cut into pieces.
enum Normalizer: Sendable {
    case form(NormalizationForm)
    case lowercase
    case stripAccents
    case strip(left: Bool, right: Bool)
    case prepend([UInt8])
    case replaceLiteral([UInt8], with: [UInt8])
    case replacePattern(TokenPattern, with: [UInt8])
    case precompiled(PrecompiledCharsmap)
    case bert(BertNormalizer)
    case nmt
    case byteLevel

    func apply(to text: inout NormalizedText) {
        guard !text.bytes.isEmpty else { return }
        switch self {
        case .form(let form): text.bytes = form.apply(to: text.bytes)
        case .lowercase: text.mapScalars { $0.append(lowercase: $1) }
        case .stripAccents:
            text.mapScalars { if !$1.isMark { $0.append($1) } }
        case .strip(let left, let right): text.strip(left: left, right: right)
        case .prepend(let prefix): text.bytes.insert(contentsOf: prefix, at: 0)
        case .replaceLiteral(let old, let new): text.replace(old, with: new)
        case .replacePattern(let pattern, let new): text.replace(pattern, with: new)
        case .precompiled(let charsmap): text.bytes = charsmap.apply(to: text.bytes)
        case .bert(let bert): bert.apply(to: &text)
        case .nmt: text.mapScalars { Self.appendNMT($1, to: &$0) }
        case .byteLevel:
            var spelled: [UInt8] = []
            ByteAlphabet.spell(text.bytes, into: &spelled)
            text.bytes = spelled
        }
    }

    /// Control characters go, odd spaces become plain ones.
    private static func appendNMT(_ scalar: Unicode.Scalar, to output: inout [UInt8]) {
        switch scalar.value {
        case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: break
        case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF,
            0xFFFD:
            output.append(0x20)
        default: output.append(scalar)
        }
    }
}

/// A stretch of text on its way through the normalizers.
struct NormalizedText {
    /// Valid UTF-8.
    var bytes: [UInt8]
    /// Whether the first byte still stands for the very beginning of what is encoded.
    var beginsInput: Bool

    /// Writes the text anew, scalar by scalar.
    mutating func mapScalars(_ write: (inout [UInt8], Unicode.Scalar) -> Void) {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        var isFirst = true
        var keptFirst = true
        bytes.forEachScalar { scalar in
            write(&output, scalar)
            if isFirst { keptFirst = !output.isEmpty }
            isFirst = false
        }
        bytes = output
        if !keptFirst { beginsInput = false }
    }

    mutating func strip(left: Bool, right: Bool) {
        let (start, end) = bytes.withUnsafeBufferPointer { text in
            var (start, end) = (0, text.count)
            while left, start < end {
                let (scalar, length) = UTF8Scan.unicodeScalar(text, at: start)
                guard scalar.properties.isWhitespace else { break }
                start += length
            }
            while right, end > start {
                let (scalar, before) = UTF8Scan.scalarBefore(text, end)
                guard scalar.properties.isWhitespace else { break }
                end = before
            }
            return (start, end)
        }
        guard start > 0 || end < bytes.count else { return }
        if start > 0 { beginsInput = false }
        bytes = Array(bytes[start..<end])
    }

    mutating func replace(_ old: [UInt8], with new: [UInt8]) {
        guard let first = old.first else { return }
        if new.isEmpty, bytes.starts(with: old) { beginsInput = false }
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count + bytes.count / 2)
        bytes.withUnsafeBufferPointer { text in
            var index = 0
            while index < text.count {
                if text[index] == first, old.count == 1 || text[index...].starts(with: old) {
                    output.append(contentsOf: new)
                    index += old.count
                } else {
                    output.append(text[index])
                    index += 1
                }
            }
        }
        bytes = output
    }

    mutating func replace(_ pattern: TokenPattern, with new: [UInt8]) {
        let search = PatternSearch(pattern)
        var output: [UInt8] = []
        var losesFirst = false
        bytes.withUnsafeBufferPointer { text in
            var end = 0
            search.forEachMatch(in: text) { match in
                if match.lowerBound == 0, !match.isEmpty, new.isEmpty { losesFirst = true }
                output.append(contentsOf: text[end..<match.lowerBound])
                output.append(contentsOf: new)
                end = match.upperBound
            }
            output.append(contentsOf: text[end...])
        }
        if losesFirst { beginsInput = false }
        bytes = output
    }
}

extension [UInt8] {
    /// Appends the lower case of a scalar, which can be several.
    mutating func append(lowercase scalar: Unicode.Scalar) {
        if scalar.isASCII {
            let byte = UInt8(truncatingIfNeeded: scalar.value)
            append((0x41...0x5A).contains(byte) ? byte + 0x20 : byte)
        } else {
            append(contentsOf: scalar.properties.lowercaseMapping.utf8)
        }
    }
}

extension Unicode.Scalar {
    /// Whether this is a mark of any kind.
    var isMark: Bool {
        guard value >= 0x300 else { return false }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark:
            return isAssigned(in: UnicodeVersion.normalization)
        default: return false
        }
    }
}
