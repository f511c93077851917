/// Locates assistant turns in one conversation; see `ChatTemplate.assistantSpans`.
struct AssistantSpanFinder {
    let template: ChatTemplate
    let variables: JSONObject
    let endTokens: EndTokens
    let now: TemplateClock
    let messages: [JSONValue]
    /// The text all is measured against, as UTF-8.
    private(set) var text: [UInt8] = []

    init(
        template: ChatTemplate,
        variables: JSONObject,
        endTokens: EndTokens,
        now: TemplateClock
    ) {
        self.template = template
        self.variables = variables
        self.endTokens = endTokens
        self.now = now
        messages = variables["messages"]?.array ?? []
    }

    mutating func spans() throws(AssistantSpanError) -> AssistantSpans {
        let rendered: RenderedTemplate
        do throws(TemplateError) {
            rendered = try render(messages, generationPrompt: false)
        } catch {
            throw .template(error)
        }
        text = Array(rendered.text.utf8)
        let assistants = messages.indices.filter { messages[$0]["role"] == "assistant" }
        let marks = rendered.generations.count == assistants.count ? rendered.generations : []
        let contents = plainContents(assistants)
        var turns: [AssistantSpans.Turn] = []
        for (order, message) in assistants.enumerated() {
            if let content = contents[message] {
                // The next assistant's content bounds the search for this turn's end.
                let next = assistants[(order + 1)...].compactMap { contents[$0] }.first
                turns.append(plain(message, content, before: next?.lowerBound ?? text.count))
            } else if !marks.isEmpty {
                turns.append(marked(message, marks[order]))
            } else {
                turns.append(try between(message))
            }
        }
        for (first, second) in zip(turns, turns.dropFirst())
        where (first.end ?? first.content).upperBound > second.content.lowerBound {
            throw .unlocatable(message: second.message, reason: "it overlaps the turn before")
        }
        return AssistantSpans(text: rendered.text, turns: turns)
    }

    // MARK: - Rendering

    func render(
        _ messages: some Sequence<JSONValue>,
        generationPrompt: Bool
    ) throws(TemplateError) -> RenderedTemplate {
        var variables = variables
        variables["messages"] = .array(Array(messages))
        variables["add_generation_prompt"] = .bool(generationPrompt)
        return try template.rendered(variables, now: now)
    }

    /// A rendering that only serves to compare; `nil` where the template refuses it.
    func trial(_ messages: some Sequence<JSONValue>, generationPrompt: Bool) -> [UInt8]? {
        (try? render(messages, generationPrompt: generationPrompt)).map { Array($0.text.utf8) }
    }

    // MARK: - Ways to a turn

    /// A turn the template marks itself: the mark without what the generation prompt already says
    /// and without the space after its end token.
    private func marked(_ message: Int, _ mark: Range<Int>) -> AssistantSpans.Turn {
        let end = endWithoutSpace(mark.upperBound, notBefore: mark.lowerBound)
        let prompted = startOfTurn(message) ?? mark.lowerBound
        return turn(
            message,
            from: (mark.lowerBound..<end).contains(prompted) ? prompted : mark.lowerBound,
            to: end
        )
    }

    /// A turn whose content is known; its end token follows.
    private func plain(
        _ message: Int,
        _ content: Range<Int>,
        before bound: Int
    ) -> AssistantSpans.Turn {
        var start = content.upperBound
        while start < bound, let space = PythonString.spaceLength(text[start..<bound]) {
            start += space
        }
        let tail = text[start..<bound]
        if let token = token(in: endTokens.stop, beginning: tail) {
            return .init(message: message, content: content, end: start..<(start + token))
        }
        // A stop token further on, with nothing but the end of this turn before it.
        let ownEnd = endOfTurn(message)
        if let stop = stopToken(after: start), stop <= bound,
            !text[start..<stop].contains(where: { $0 <= 0x20 }),
            ownEnd.map({ stop <= $0 }) ?? isSpecial(text[start..<stop])
        {
            return .init(message: message, content: content, end: start..<stop)
        }
        let token = token(in: endTokens.special, beginning: tail)
        let end = token.map { start..<(start + $0) }
        let isOwn = ownEnd.map { $0 >= end?.upperBound ?? 0 } ?? true
        return .init(message: message, content: content, end: isOwn ? end : nil)
    }

    /// A turn found between what is rendered without it and what is rendered up to it.
    private func between(_ message: Int) throws(AssistantSpanError) -> AssistantSpans.Turn {
        guard let start = startOfTurn(message) else {
            throw .unlocatable(
                message: message,
                reason: "the template renders what is before it differently without it"
            )
        }
        guard let end = endOfTurn(message) ?? stopToken(after: start) else {
            throw .unlocatable(
                message: message,
                reason: "the template renders it differently where it is not the last"
            )
        }
        guard end > start else {
            throw .unlocatable(message: message, reason: "the template does not render it")
        }
        guard holdsContent(message, start..<end) else {
            throw .unlocatable(message: message, reason: "its content is not in it")
        }
        // Generation stops at the first stop token: what a template adds after it is never said.
        let stop = stopToken(after: start)
        return turn(message, from: start, to: stop.map { min($0, end) } ?? end)
    }

    /// Whether the content of a message, where it has one, stands in a range of the text.
    private func holdsContent(_ message: Int, _ range: Range<Int>) -> Bool {
        guard let content = messages[message]["content"]?.string, !content.isEmpty else {
            return true
        }
        let turn = PythonString(text[range])
        return candidates(content).contains { turn.find(PythonString($0), from: 0) != nil }
    }

    /// Divides what a turn rendered into content and end token.
    private func turn(_ message: Int, from start: Int, to end: Int) -> AssistantSpans.Turn {
        guard let token = endsWithToken(end), end - token >= start else {
            return .init(message: message, content: start..<end, end: nil)
        }
        return .init(message: message, content: start..<(end - token), end: (end - token)..<end)
    }

    // MARK: - Boundaries

    /// Where a turn begins: after the generation prompt, as far as the text has it.
    private func startOfTurn(_ message: Int) -> Int? {
        let before = messages[..<message]
        guard let prompted = trial(before, generationPrompt: true) else { return nil }
        let plain = trial(before, generationPrompt: false) ?? []
        let shared = zip(text, prompted).prefix { $0 == $1 }.count
        let header = PythonString.trimmedEnd(plain[...])
        guard shared >= header else { return nil }
        guard shared < prompted.count else { return shared }
        // The prompt goes on in another way than this turn: back to where its last word or token
        // ends, so that none is cut in two.
        let ends = Set(">\n ]:".utf8)
        var start = shared
        while start > header, !ends.contains(text[start - 1]) { start -= 1 }
        return start
    }

    /// Where a turn ends: with what is rendered up to it, without the space after its last token.
    private func endOfTurn(_ message: Int) -> Int? {
        guard let rendered = trial(messages[...message], generationPrompt: false) else {
            return nil
        }
        let end = PythonString.trimmedEnd(rendered[...])
        return text.starts(with: rendered[..<end]) ? end : nil
    }

    /// The end of the first stop token after a position.
    private func stopToken(after start: Int) -> Int? {
        let whole = PythonString(utf8: text, isMarkup: false)
        return endTokens.stop
            .compactMap { token in
                whole.find(PythonString(token), from: start).map { $0 + token.utf8.count }
            }
            .min()
    }

    private func endWithoutSpace(_ end: Int, notBefore start: Int) -> Int {
        start + PythonString.trimmedEnd(text[start..<end])
    }

    // MARK: - Tokens

    /// The length of the longest of some tokens that a text begins with.
    private func token(in tokens: [String], beginning text: ArraySlice<UInt8>) -> Int? {
        tokens.filter { text.starts(with: $0.utf8) }.map(\.utf8.count).max()
    }

    /// Whether a text is made of special tokens only.
    private func isSpecial(_ text: ArraySlice<UInt8>) -> Bool {
        var rest = text
        while !rest.isEmpty {
            guard let token = token(in: endTokens.stop + endTokens.special, beginning: rest) else {
                return false
            }
            rest = rest.dropFirst(token)
        }
        return true
    }

    /// The length of the longest stop or special token that ends at a position.
    private func endsWithToken(_ end: Int) -> Int? {
        let head = text[..<end]
        return (endTokens.stop + endTokens.special)
            .filter { head.suffix($0.utf8.count).elementsEqual($0.utf8) }
            .map(\.utf8.count).max()
    }
}

extension PythonString {
    /// How many bytes of a text are left without the space at its end.
    static func trimmedEnd(_ text: ArraySlice<UInt8>) -> Int {
        var end = text.endIndex
        while end > text.startIndex, let length = trailingSpaceLength(text[..<end]) {
            end -= length
        }
        return end - text.startIndex
    }
}
