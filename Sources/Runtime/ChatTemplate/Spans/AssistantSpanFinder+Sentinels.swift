extension AssistantSpanFinder {
    /// Where the plain contents of assistant messages stand in the text, by message; those that
    /// cannot be found with certainty are left out.
    func plainContents(_ assistants: [Int]) -> [Int: Range<Int>] {
        let plain = assistants.filter { plainContent($0) != nil }
        if let together = aligned(plain) { return together }
        var found: [Int: Range<Int>] = [:]
        for message in plain { found[message] = alone(message) }
        return found
    }

    /// The content of a message that is text and nothing else.
    private func plainContent(_ message: Int) -> String? {
        guard let object = messages[message].object, let content = object["content"]?.string else {
            return nil
        }
        for name in ["tool_calls", "function_call", "reasoning_content", "reasoning", "thinking"] {
            switch object[name] {
            case nil, .null?, .bool(false)?: break
            case .string(let text)? where text.isEmpty: break
            case .array(let elements)? where elements.isEmpty: break
            default: return nil
            }
        }
        return content
    }

    /// A text that no conversation contains: private-use characters around a number.
    private func sentinel(_ message: Int) -> String { "\u{F0FAC}\(message)\u{F0FAD}" }

    private func replacing(_ replaced: [Int]) -> [JSONValue] {
        var messages = messages
        for message in replaced {
            guard var object = messages[message].object else { continue }
            object["content"] = .string(sentinel(message))
            messages[message] = .object(object)
        }
        return messages
    }

    /// All contents at once: the pieces between the sentinels, with the contents between them, must
    /// make up the text.
    private func aligned(_ plain: [Int]) -> [Int: Range<Int>]? {
        guard !plain.isEmpty, let trial = trial(replacing(plain), generationPrompt: false),
            let pieces = pieces(of: trial, plain)
        else { return plain.isEmpty ? [:] : nil }
        guard text.starts(with: pieces[0]) else { return nil }
        var position = pieces[0].count
        var found: [Int: Range<Int>] = [:]
        for (order, message) in plain.enumerated() {
            let after = pieces[order + 1]
            let isLast = order == plain.count - 1
            let content = candidates(plainContent(message) ?? "").first { content in
                let end = position + content.count + after.count
                return text[position...].starts(with: content)
                    && text[(position + content.count)...].starts(with: after)
                    && (!isLast || end == text.count)
            }
            guard let content else { return nil }
            found[message] = position..<(position + content.count)
            position += content.count + after.count
        }
        return found
    }

    /// What templates make of a content: all of it, or all but space, or what follows reasoning.
    func candidates(_ content: String) -> [[UInt8]] {
        let whole = PythonString(content)
        var candidates = [whole]
        if let mark = whole.findLast("</think>", before: whole.utf8.count) {
            candidates.append(PythonString(whole.utf8[(mark + 8)...]))
        }
        return candidates.flatMap { text in
            [
                text.utf8,
                text.stripped(nil, left: true, right: true).utf8,
                text.stripped(nil, left: true, right: false).utf8,
                text.stripped(nil, left: false, right: true).utf8,
                text.stripped("\n", left: true, right: false).utf8,
                text.stripped("\n", left: true, right: true).utf8,
            ]
        }
    }

    /// A rendering cut at its sentinels; `nil` unless each is there once, in order.
    private func pieces(of rendering: [UInt8], _ plain: [Int]) -> [ArraySlice<UInt8>]? {
        let whole = PythonString(utf8: rendering, isMarkup: false)
        var pieces: [ArraySlice<UInt8>] = []
        var position = 0
        for message in plain {
            let sentinel = PythonString(sentinel(message))
            guard whole.occurrences(of: sentinel, limit: 2).count == 1,
                let place = whole.find(sentinel, from: position)
            else { return nil }
            pieces.append(rendering[position..<place])
            position = place + sentinel.utf8.count
        }
        return pieces + [rendering[position...]]
    }

    /// One content alone: what differs between the text and the rendering with a sentinel must be
    /// part of the content.
    private func alone(_ message: Int) -> Range<Int>? {
        guard let trial = trial(replacing([message]), generationPrompt: false),
            let pieces = pieces(of: trial, [message]), let content = plainContent(message),
            text.count >= pieces[0].count + pieces[1].count,
            text.starts(with: pieces[0]), text.suffix(pieces[1].count).elementsEqual(pieces[1])
        else { return nil }
        let range = pieces[0].count..<(text.count - pieces[1].count)
        return PythonString(content).find(PythonString(text[range]), from: 0) == nil ? nil : range
    }
}
