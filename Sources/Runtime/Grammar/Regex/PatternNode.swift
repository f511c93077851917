/// A regular expression as it was written.
indirect enum PatternNode {
    case set(ScalarSet)
    case sequence([PatternNode])
    case alternation([PatternNode])
    case repetition(PatternNode, minimum: Int, maximum: Int?)
    case start
    case end
    case lookahead(PatternNode, isNegative: Bool)

    /// Whether what stands around it decides whether it matches.
    var isContextual: Bool {
        switch self {
        case .set: false
        case .sequence(let parts), .alternation(let parts): parts.contains { $0.isContextual }
        case .repetition(let part, _, _): part.isContextual
        case .start, .end, .lookahead: true
        }
    }

    /// Whether it never takes a scalar.
    var hasNoWidth: Bool {
        switch self {
        case .start, .end, .lookahead: true
        case .set: false
        case .sequence(let parts), .alternation(let parts): parts.allSatisfy { $0.hasNoWidth }
        case .repetition(let part, _, _): part.hasNoWidth
        }
    }

    /// Whether it may take no scalar.
    var isNullable: Bool {
        switch self {
        case .start, .end, .lookahead: true
        case .set: false
        case .sequence(let parts): parts.allSatisfy { $0.isNullable }
        case .alternation(let parts): parts.contains { $0.isNullable }
        case .repetition(let part, let minimum, _): minimum == 0 || part.isNullable
        }
    }

    var containsStart: Bool {
        switch self {
        case .start: true
        case .set, .end: false
        case .sequence(let parts), .alternation(let parts): parts.contains { $0.containsStart }
        case .repetition(let part, _, _), .lookahead(let part, _): part.containsStart
        }
    }
}
