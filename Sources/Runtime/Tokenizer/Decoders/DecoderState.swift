/// A decoder at work: takes tokens one by one and gives text as soon as it is certain.
///
/// Each step hands tokens to the next. From `Fuse` or `ByteLevel` on, all that follows belongs to
/// one token, of which the steps see fragments; what cannot be done to fragments waits for the end.
struct DecoderState: Sendable {
    private var stages: [DecoderStage]

    init(_ steps: [DecoderStep], runs: ByteRun.Policy) {
        var isFused = false
        stages = steps.map { step in
            defer { isFused = isFused || step.fuses }
            return isFused ? .onFragments(step) : .onTokens(step, runs: runs)
        }
    }

    /// Appends the text that becomes certain with a token.
    mutating func push(_ token: [UInt8], to output: inout [UInt8]) {
        pass([token], from: 0, to: &output)
    }

    /// Appends the text that was held back; nothing may follow.
    mutating func flush(to output: inout [UInt8]) {
        for index in stages.indices {
            pass(stages[index].flush(), from: index + 1, to: &output)
        }
    }

    private mutating func pass(_ tokens: [[UInt8]], from start: Int, to output: inout [UInt8]) {
        var tokens = tokens
        for index in start..<stages.count where !tokens.isEmpty {
            tokens = tokens.flatMap { stages[index].push($0) }
        }
        for token in tokens { output += token }
    }
}

extension DecoderStep {
    /// Whether everything behind this step is one token.
    fileprivate var fuses: Bool {
        switch self {
        case .fuse, .byteLevel: true
        default: false
        }
    }
}
