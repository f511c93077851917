/// A stretch of a piece that a pattern matched, or one between two matches.
struct PatternSpan {
    var range: Range<Int>
    var isMatch: Bool
}

/// What becomes of the matches of a pattern on which a piece is split.
enum SplitBehavior: String, CaseIterable, Sendable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"

    /// Reads a behaviour.
    init(_ section: TokenizerSection, default behavior: SplitBehavior) throws(TokenizerError) {
        guard let name = try section.optionalString("behavior") else {
            self = behavior
            return
        }
        guard let known = SplitBehavior(rawValue: name) else {
            throw section.unsupported(
                name,
                key: "behavior",
                supported: Self.allCases.map(\.rawValue)
            )
        }
        self = known
    }

    /// Appends the pieces that the spans of one piece make; empty ones are left out.
    func append(_ spans: [PatternSpan], to pieces: inout [Range<Int>]) {
        switch self {
        case .removed:
            for span in spans where !span.isMatch && !span.range.isEmpty {
                pieces.append(span.range)
            }
        case .isolated:
            for span in spans where !span.range.isEmpty { pieces.append(span.range) }
        case .contiguous:
            appendJoined(spans, to: &pieces) { $0.isMatch == $1 }
        case .mergedWithPrevious:
            appendJoined(spans, to: &pieces) { $0.isMatch && !$1 }
        case .mergedWithNext:
            appendMergedWithNext(spans, to: &pieces)
        }
    }

    /// Joins a span to the piece before it where `joins` says so; it is told whether the span
    /// before was a match.
    private func appendJoined(
        _ spans: [PatternSpan],
        to pieces: inout [Range<Int>],
        _ joins: (_ span: PatternSpan, _ afterMatch: Bool) -> Bool
    ) {
        var afterMatch = false
        var open: Range<Int>?
        for span in spans {
            if let range = open, joins(span, afterMatch) {
                open = range.lowerBound..<span.range.upperBound
            } else {
                if let range = open, !range.isEmpty { pieces.append(range) }
                open = span.range
            }
            afterMatch = span.isMatch
        }
        if let range = open, !range.isEmpty { pieces.append(range) }
    }

    private func appendMergedWithNext(_ spans: [PatternSpan], to pieces: inout [Range<Int>]) {
        let first = pieces.count
        var beforeMatch = false
        var open: Range<Int>?
        for span in spans.reversed() {
            if let range = open, span.isMatch, !beforeMatch {
                open = span.range.lowerBound..<range.upperBound
            } else {
                if let range = open, !range.isEmpty { pieces.append(range) }
                open = span.range
            }
            beforeMatch = span.isMatch
        }
        if let range = open, !range.isEmpty { pieces.append(range) }
        pieces[first...].reverse()
    }
}
