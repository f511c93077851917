/// Where one answer stands in its grammar: a value, cheap to copy.
public struct GrammarState: Sendable {
    /// What the answer is held to.
    public let grammar: Grammar
    /// The bytes of the tokens taken so far.
    public private(set) var text: [UInt8] = []
    private var position: GrammarPosition
    private var generation: Int
    /// Positions and lengths of the text before each token.
    private var history: [(position: GrammarPosition, length: Int)] = []

    init(_ grammar: Grammar) throws(GrammarError) {
        self.grammar = grammar
        (position, generation) = try grammar.withMachine { (machine) throws(GrammarError) in
            machine.prepare()
            try machine.finish()
            return (machine.start, machine.generation)
        }
    }

    /// Whether the text is whole: then, and only then, a token that ends the answer is allowed.
    public var isAccepting: Bool { position.isComplete }

    /// Whether the text is whole and nothing may follow.
    public var isFinished: Bool { position.isComplete && position.threads.isEmpty }

    /// How many tokens were taken.
    public var count: Int { history.count }

    // MARK: - Masks

    /// Writes which tokens may come next, a bit for each id.
    /// - Parameter words: room for `TokenTrie.maskWords` words.
    /// - Throws: `GrammarError.tooComplex` where a limit is met.
    public mutating func mask(into words: UnsafeMutableBufferPointer<UInt64>) throws(GrammarError) {
        let trie = grammar.trie
        guard words.count >= trie.maskWords, let base = words.baseAddress else {
            throw .tooComplex("a mask has \(trie.maskWords) words")
        }
        words.update(repeating: 0)
        try grammar.withMachine { (machine) throws(GrammarError) in
            try settle(machine)
            if let known = machine.masks.mask(position.threads) {
                for word in known.indices { base[word] = known[word] }
            } else {
                try Self.walk(machine, position, text, into: base)
            }
            try machine.finish()
        }
        guard position.isComplete else { return }
        for id in trie.stopTokens { base[Int(id) >> 6] |= 1 << UInt64(id & 63) }
    }

    private static func walk(
        _ machine: GrammarMachine,
        _ position: GrammarPosition,
        _ text: [UInt8],
        into base: UnsafeMutablePointer<UInt64>
    ) throws(GrammarError) {
        let isSettled = text.withUnsafeBufferPointer { text in
            var walk = MaskWalk(machine, text: text, mask: base)
            for thread in position.threads { walk.add(thread) }
            return walk.isSettled
        }
        try machine.finish()
        guard isSettled else { return }
        let words = UnsafeBufferPointer(start: base, count: machine.trie.maskWords)
        machine.masks.insert(Array(words), position.threads)
    }

    /// Which tokens may come next, a bit for each id.
    public mutating func mask() throws(GrammarError) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: grammar.trie.maskWords)
        let result = words.withUnsafeMutableBufferPointer { words in
            Result { () throws(GrammarError) in try mask(into: words) }
        }
        try result.get()
        return words
    }

    // MARK: - Tokens

    /// Takes a token; `false`, and nothing changes, where it may not come next.
    ///
    /// A token that ends the answer is taken where the text is whole.
    public mutating func accept(_ token: Int32) throws(GrammarError) -> Bool {
        if grammar.trie.stopTokens.contains(token) {
            guard isAccepting else { return false }
            history.append((position, text.count))
            return true
        }
        let piece = grammar.trie.piece(token)
        guard !piece.isEmpty else { return false }
        let before = (position: position, length: text.count)
        guard try read(piece) else {
            text.removeLast(text.count - before.length)
            position = before.position
            return false
        }
        history.append(before)
        return true
    }

    /// Forgets the last tokens, as many of them as there are.
    public mutating func rollback(_ count: Int) {
        guard count > 0, let earlier = history.suffix(count).first else { return }
        position = earlier.position
        text.removeLast(text.count - earlier.length)
        history.removeLast(min(count, history.count))
    }

    /// Reads bytes as if they came in one token; what was read stays where they are refused.
    mutating func read(_ bytes: some Sequence<UInt8>) throws(GrammarError) -> Bool {
        try grammar.withMachine { (machine) throws(GrammarError) in
            try settle(machine)
            var isRead = true
            for byte in bytes where isRead {
                text.append(byte)
                isRead = text.withUnsafeBufferPointer {
                    machine.advance(&position, byte, text: $0)
                }
            }
            try machine.finish()
            return isRead
        }
    }

    /// Finds the position in the machine's generation.
    private mutating func settle(_ machine: GrammarMachine) throws(GrammarError) {
        machine.prepare()
        guard machine.generation != generation else { return }
        let whole = text
        let lengths = history.map(\.length)
        var next = 0
        position = machine.start
        for (index, byte) in whole.enumerated() {
            while next < lengths.count, lengths[next] == index {
                history[next].position = position
                next += 1
            }
            let isRead = whole.withUnsafeBufferPointer { whole in
                machine.advance(
                    &position,
                    byte,
                    text: UnsafeBufferPointer(rebasing: whole[...index])
                )
            }
            guard isRead else { throw .tooComplex("its text can't be read again") }
        }
        while next < lengths.count {
            history[next].position = position
            next += 1
        }
        generation = machine.generation
    }

    // MARK: - What is forced

    /// The bytes that must come next, whatever the model would say.
    public mutating func forcedBytes(limit: Int = 1_024) throws(GrammarError) -> [UInt8] {
        var ahead = self
        return try grammar.withMachine { (machine) throws(GrammarError) in
            try ahead.settle(machine)
            var forced: [UInt8] = []
            while forced.count < limit, !ahead.position.isComplete,
                let byte = machine.nextBytes(ahead.position).only
            {
                ahead.text.append(byte)
                let isRead = ahead.text.withUnsafeBufferPointer {
                    machine.advance(&ahead.position, byte, text: $0)
                }
                guard isRead else { break }
                forced.append(byte)
            }
            try machine.finish()
            return forced
        }
    }
}
