/// A decoder step together with what it remembers between tokens.
enum DecoderStage: Sendable {
    case stateless(DecoderStep)
    case byteLevel(UTF8Assembler)
    case byteRun(ByteRun)
    /// Tells the first token from the others.
    case first(DecoderStep, isFirst: Bool)
    /// Holds back the part of a token that depends on whether another follows.
    case held(suffix: [UInt8], rest: [UInt8]?)
    case repeated(DecoderStep, last: [UInt8]?)
    /// Strips both ends of a fused token.
    case ends(Unicode.Scalar, start: Int, stop: Int, held: [UInt8])
    /// Waits for the whole fused token.
    case whole(DecoderStep, text: [UInt8])

    /// The stage of a step that sees whole tokens.
    static func onTokens(_ step: DecoderStep, runs: ByteRun.Policy) -> DecoderStage {
        switch step {
        case .byteLevel: .byteLevel(UTF8Assembler())
        case .byteFallback: .byteRun(ByteRun(policy: runs))
        case .metaspace, .wordPiece, .spaces: .first(step, isFirst: true)
        case .bpe(let suffix): .held(suffix: suffix, rest: nil)
        case .ctc: .repeated(step, last: nil)
        case .fuse, .replaceLiteral, .replacePattern, .strip: .stateless(step)
        }
    }

    /// The stage of a step behind a fusing one, which sees fragments that end between scalars.
    static func onFragments(_ step: DecoderStep) -> DecoderStage {
        switch step {
        case .fuse, .spaces: .stateless(.fuse)
        case .strip(let scalar, let start, let stop):
            .ends(scalar, start: start, stop: stop, held: [])
        // A single scalar cannot lie across two fragments.
        case .replaceLiteral(let old, _) where old.count { $0 & 0xC0 != 0x80 } == 1:
            .stateless(step)
        case .metaspace(let replacement, let dropsFirst):
            .stateless(
                .replaceLiteral(
                    Array(String(replacement).utf8),
                    with: dropsFirst ? [] : [0x20]
                )
            )
        default: .whole(step, text: [])
        }
    }

    /// Takes a token or fragment; returns what goes on.
    mutating func push(_ token: [UInt8]) -> [[UInt8]] {
        switch self {
        case .stateless(let step): return [step.transform(token)]
        case .byteLevel(var assembler):
            var text: [UInt8] = []
            assembler.push(ByteAlphabet.bytes(of: token), to: &text)
            self = .byteLevel(assembler)
            return [text]
        case .byteRun(var run):
            defer { self = .byteRun(run) }
            if let byte = ByteFallback.byte(of: token) { return run.push(byte) }
            return run.end() + [token]
        case .first(let step, let isFirst):
            self = .first(step, isFirst: false)
            return [step.transform(token, isFirst: isFirst)]
        case .held(let suffix, let rest):
            let before = rest.map { [$0.replacing(suffix, with: [0x20])] } ?? []
            self = .held(suffix: suffix, rest: token)
            return before
        case .repeated(let step, let last):
            guard token != last else { return [] }
            self = .repeated(step, last: token)
            let text = step.transform(token)
            return text.isEmpty ? [] : [text]
        case .ends(let scalar, let start, let stop, let held):
            return [stripEnds(token, scalar, start: start, stop: stop, held: held)]
        case .whole(let step, let text):
            self = .whole(step, text: text + token)
            return []
        }
    }

    /// Returns what was held back.
    mutating func flush() -> [[UInt8]] {
        switch self {
        case .stateless, .first, .repeated: return []
        case .byteLevel(var assembler):
            var text: [UInt8] = []
            assembler.flush(to: &text)
            self = .byteLevel(assembler)
            return [text]
        case .byteRun(var run):
            defer { self = .byteRun(run) }
            return run.end()
        case .held(let suffix, let rest):
            self = .held(suffix: suffix, rest: nil)
            return rest.map { [$0.replacing(suffix, with: [])] } ?? []
        // What was held back is what is stripped.
        case .ends: return []
        case .whole(let step, let text):
            self = .whole(step, text: [])
            var stage = DecoderStage.onTokens(step, runs: .whole)
            return stage.push(text) + stage.flush()
        }
    }

    /// Strips the start of a fused token, and holds back what may turn out to be its end.
    private mutating func stripEnds(
        _ fragment: [UInt8],
        _ scalar: Unicode.Scalar,
        start: Int,
        stop: Int,
        held: [UInt8]
    ) -> [UInt8] {
        let mark = Array(String(scalar).utf8)
        var text = fragment[...]
        var start = start
        while start > 0, text.starts(with: mark) {
            text = text.dropFirst(mark.count)
            start -= 1
        }
        if !text.isEmpty { start = 0 }
        var output = held + text
        var marks = 0
        while marks < stop, output.suffix(mark.count).elementsEqual(mark) {
            output.removeLast(mark.count)
            marks += 1
        }
        let rest = Array(repeating: mark, count: marks).flatMap { $0 }
        self = .ends(scalar, start: start, stop: stop, held: rest)
        return output
    }
}

extension DecoderStep {
    /// What becomes of a token wherever it stands.
    fileprivate func transform(_ token: [UInt8]) -> [UInt8] {
        switch self {
        case .replaceLiteral(let old, let new): token.replacing(old, with: new)
        case .replacePattern(let pattern, let new): token.replacing(pattern, with: new)
        case .strip(let scalar, let start, let stop):
            Self.strip(token, Array(String(scalar).utf8), start: start, stop: stop)
        case .ctc(let pad, let delimiter, let cleansUp):
            cleansUp
                ? token.replacing(pad, with: []).cleanedUp.replacing(delimiter, with: [0x20])
                : token.replacing(pad, with: [])
        default: token
        }
    }

    /// What becomes of a token that is the first one, or not.
    fileprivate func transform(_ token: [UInt8], isFirst: Bool) -> [UInt8] {
        switch self {
        case .metaspace(let scalar, let dropsFirst):
            return token.replacing(
                Array(String(scalar).utf8),
                with: isFirst && dropsFirst ? [] : [0x20]
            )
        case .wordPiece(let prefix, let cleansUp):
            var text = token
            if !isFirst {
                let continues = !prefix.isEmpty && token.starts(with: prefix)
                text = continues ? Array(token.dropFirst(prefix.count)) : [0x20] + token
            }
            return cleansUp ? text.cleanedUp : text
        case .spaces: return isFirst ? token : [0x20] + token
        default: return token
        }
    }

    private static func strip(_ token: [UInt8], _ mark: [UInt8], start: Int, stop: Int) -> [UInt8] {
        var text = token[...]
        for _ in 0..<start {
            guard text.starts(with: mark) else { break }
            text = text.dropFirst(mark.count)
        }
        for _ in 0..<stop {
            guard text.suffix(mark.count).elementsEqual(mark) else { break }
            text = text.dropLast(mark.count)
        }
        return Array(text)
    }
}
