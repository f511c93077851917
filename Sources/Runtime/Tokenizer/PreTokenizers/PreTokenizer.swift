/// One step of cutting normalized text into the pieces that the model sees.
enum PreTokenizer: Sendable {
    case byteLevel(addPrefixSpace: Bool, pattern: TokenPattern?)
    case split(TokenPattern, SplitBehavior, invert: Bool)
    case scalars(ScalarClass, SplitBehavior)
    case words
    case bert
    case metaspace(Metaspace)
    case fixedLength(Int)
    case scripts

    /// `▁` for spaces, and what goes with it.
    struct Metaspace: Sendable {
        enum PrependScheme: String, CaseIterable, Sendable {
            case always, first, never
        }

        var replacement: Unicode.Scalar
        var prependScheme: PrependScheme
        var split: Bool
    }

    func apply(to buffer: inout PieceBuffer) {
        switch self {
        case .byteLevel(let addPrefixSpace, let pattern):
            Self.applyByteLevel(&buffer, addPrefixSpace, pattern)
        case .split(let pattern, let behavior, let invert):
            Self.split(&buffer, pattern, behavior, invert)
        case .scalars(let scalars, let behavior):
            Self.split(&buffer, scalars, behavior)
        case .words: Self.splitWords(&buffer)
        case .bert:
            Self.split(&buffer, .whitespace, .removed)
            Self.split(&buffer, .punctuation, .isolated)
        case .metaspace(let metaspace): Self.apply(metaspace, to: &buffer)
        case .fixedLength(let length): Self.split(&buffer, every: length)
        case .scripts: Self.splitScripts(&buffer)
        }
    }

    // MARK: - Patterns

    private static func split(
        _ buffer: inout PieceBuffer,
        _ pattern: TokenPattern,
        _ behavior: SplitBehavior,
        _ invert: Bool
    ) {
        let search = PatternSearch(pattern)
        var spans: [PatternSpan] = []
        buffer.split { text, piece, pieces in
            let part = UnsafeBufferPointer(rebasing: text[piece])
            var end = 0
            if behavior == .isolated {
                // The usual case, without the detour: matches and what lies between are pieces.
                search.forEachMatch(in: part) { match in
                    if end < match.lowerBound {
                        pieces.append(piece.lowerBound + end..<piece.lowerBound + match.lowerBound)
                    }
                    if !match.isEmpty {
                        pieces.append(
                            piece.lowerBound + match.lowerBound..<piece.lowerBound
                                + match.upperBound
                        )
                    }
                    end = match.upperBound
                }
                if end < part.count { pieces.append(piece.lowerBound + end..<piece.upperBound) }
                return
            }
            spans.removeAll(keepingCapacity: true)
            let offset = piece.lowerBound
            search.forEachMatch(in: part) { match in
                if end != match.lowerBound {
                    let gap = offset + end..<offset + match.lowerBound
                    spans.append(PatternSpan(range: gap, isMatch: invert))
                }
                let range = offset + match.lowerBound..<offset + match.upperBound
                spans.append(PatternSpan(range: range, isMatch: !invert))
                end = match.upperBound
            }
            if end != part.count {
                let rest = offset + end..<piece.upperBound
                spans.append(PatternSpan(range: rest, isMatch: invert))
            }
            behavior.append(spans, to: &pieces)
        }
    }

    private static func applyByteLevel(
        _ buffer: inout PieceBuffer,
        _ addPrefixSpace: Bool,
        _ pattern: TokenPattern?
    ) {
        if addPrefixSpace {
            buffer.rewrite { piece, _, output in
                if piece.first != 0x20 { output.append(0x20) }
                output.append(contentsOf: piece)
            }
        }
        if let pattern { split(&buffer, pattern, .isolated, false) }
        let spellings = ByteAlphabet.spellings
        buffer.rewrite { piece, _, output in
            for byte in piece {
                let spelling = spellings[Int(byte)]
                output.append(spelling.first)
                if spelling.second != 0 { output.append(spelling.second) }
            }
        }
    }

    // MARK: - Scalars

    private static func split(
        _ buffer: inout PieceBuffer,
        _ scalars: ScalarClass,
        _ behavior: SplitBehavior
    ) {
        var spans: [PatternSpan] = []
        buffer.split { text, piece, pieces in
            spans.removeAll(keepingCapacity: true)
            var index = piece.lowerBound
            var end = index
            while index < piece.upperBound {
                let (scalar, length) = UTF8Scan.unicodeScalar(text, at: index)
                if scalars.contains(scalar) {
                    if end < index { spans.append(PatternSpan(range: end..<index, isMatch: false)) }
                    end = index + length
                    spans.append(PatternSpan(range: index..<end, isMatch: true))
                }
                index += length
            }
            if end < piece.upperBound {
                spans.append(PatternSpan(range: end..<piece.upperBound, isMatch: false))
            }
            behavior.append(spans, to: &pieces)
        }
    }

    /// Runs of word characters and runs of what is neither word nor white space.
    private static func splitWords(_ buffer: inout PieceBuffer) {
        enum Kind { case space, word, other }
        buffer.split { text, piece, pieces in
            var start = piece.lowerBound
            var kind = Kind.space
            var index = start
            while index < piece.upperBound {
                let (scalar, length) = UTF8Scan.unicodeScalar(text, at: index)
                let next: Kind =
                    ScalarClass.isWord(scalar)
                    ? .word : scalar.properties.isWhitespace ? .space : .other
                if next != kind {
                    if kind != .space { pieces.append(start..<index) }
                    (start, kind) = (index, next)
                }
                index += length
            }
            if kind != .space { pieces.append(start..<piece.upperBound) }
        }
    }

    private static func split(_ buffer: inout PieceBuffer, every length: Int) {
        buffer.split { text, piece, pieces in
            var start = piece.lowerBound
            var index = start
            var scalars = 0
            while index < piece.upperBound {
                index += UTF8Scan.scalar(text, at: index).length
                scalars += 1
                if scalars == length {
                    pieces.append(start..<index)
                    (start, scalars) = (index, 0)
                }
            }
            if start < piece.upperBound { pieces.append(start..<piece.upperBound) }
        }
    }

    private static func apply(_ metaspace: Metaspace, to buffer: inout PieceBuffer) {
        let mark = Array(String(metaspace.replacement).utf8)
        let beginsInput = buffer.beginsInput
        buffer.rewrite { piece, range, output in
            let prepends =
                switch metaspace.prependScheme {
                case .always: true
                case .first: beginsInput && range.lowerBound == 0
                case .never: false
                }
            if prepends, piece.first != 0x20, !piece.starts(with: mark) {
                output.append(contentsOf: mark)
            }
            for byte in piece {
                if byte == 0x20 { output.append(contentsOf: mark) } else { output.append(byte) }
            }
        }
        if metaspace.split {
            split(&buffer, .exactly(metaspace.replacement), .mergedWithNext)
        }
    }
}
