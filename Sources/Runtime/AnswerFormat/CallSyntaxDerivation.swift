/// Derives how a template writes tool calls, by comparing what it renders of one call, of two and of
/// calls with other arguments, as llama.cpp's autoparser does.
struct CallSyntaxDerivation {
    let probe: TemplateProbe
    let thought: AnswerFormat.Markers?
    /// Texts that frame an answer.
    let frame: [String]

    /// The form; `nil` where the template writes no calls, or in no form that is known.
    func syntax() -> ToolCallSyntax? {
        let one = call(0, values: 1)
        guard let single = probe.turn([one]) else { return nil }
        let pair = probe.turn([one, call(1, values: 1)])
        guard let parts = Parts(single, pair) else { return nil }
        guard let syntax = jsonObject(parts) ?? named(parts) ?? tagged(parts) else { return nil }
        // A frame that says the name itself is more than a frame.
        let saysName = syntax.markers.contains { text in
            TemplateProbe.names.contains { text.utf8.firstRange(of: $0.utf8) != nil }
        }
        return saysName ? nil : syntax
    }

    /// Whether the template writes calls at all.
    var writesCalls: Bool {
        let value = Array(TemplateProbe.texts[0].utf8)
        return probe.turn([call(0, values: 1)], saying: [value]) != nil
    }

    private func call(_ index: Int, values: Int) -> TemplateProbe.Call {
        TemplateProbe.Call(
            name: TemplateProbe.names[index],
            id: TemplateProbe.ids[index],
            arguments: (0..<values).map { place in
                (key: TemplateProbe.keys[place], value: .string(TemplateProbe.texts[place]))
            }
        )
    }

    /// A turn cut at the name and the value of its call.
    private struct Parts {
        let single: [UInt8]
        let pair: [UInt8]?
        let name: Range<Int>
        let key: Range<Int>
        let value: Range<Int>

        init?(_ single: [UInt8], _ pair: [UInt8]?) {
            self.single = single
            self.pair = pair
            let texts = [TemplateProbe.names[0], TemplateProbe.keys[0], TemplateProbe.texts[0]]
            let places = texts.map { text in
                // Some forms say the name before the call too.
                single.lastRange(of: Array(text.utf8))
            }
            guard let name = places[0], let key = places[1], let value = places[2],
                name.upperBound <= key.lowerBound, key.upperBound <= value.lowerBound
            else { return nil }
            (self.name, self.key, self.value) = (name, key, value)
        }
    }

    /// The frame around the bodies of calls.
    private struct Frame {
        var opening: [UInt8] = []
        var callOpening: [UInt8]
        var callClosing: [UInt8]
        var separator: [UInt8] = []
        var closing: [UInt8] = []

        /// Finds what belongs to each call and what to all of them, from a turn with one call and a
        /// turn with two.
        ///
        /// - Parameters:
        ///   - before: The text in front of the only call's body.
        ///   - after: The text behind it, with the end of the turn.
        ///   - between: The text between two bodies; `nil` where the template takes one call only.
        init(before: [UInt8], after: [UInt8], between: [UInt8]?) {
            guard let between else {
                callOpening = before
                callClosing = after
                return
            }
            let closed = after.tagBoundary(before: after.commonStart(with: between))
            let rest = Array(between[closed...])
            let common = before.commonEnd(with: rest)
            let opened = before.count - before.tagBoundary(after: before.count - common)
            callClosing = Array(after[..<closed])
            callOpening = Array(before[(before.count - opened)...])
            opening = Array(before[..<(before.count - opened)])
            separator = Array(rest[..<(rest.count - opened)])
            closing = Array(after[closed...])
        }
    }

    private func surroundings(_ parts: Parts, body: Range<Int>, second: (([UInt8]) -> Range<Int>?))
        -> Frame
    {
        var between: [UInt8]?
        if let pair = parts.pair, let other = second(pair) {
            // The first body of both turns ends at the same place, but for what comes before.
            let shift = pair.firstIndex(of: Array(parts.single[body])).map { $0 - body.lowerBound }
            if let shift, body.upperBound + shift <= other.lowerBound {
                between = Array(pair[(body.upperBound + shift)..<other.lowerBound])
            }
        }
        return Frame(
            before: opening(Array(parts.single[..<body.lowerBound])),
            after: parts.single[body.upperBound...].droppingEnd(turnEnd),
            between: between
        )
    }

    /// What of the text in front of a call belongs to it: not what begins every turn of the
    /// assistant, and no empty thought.
    private func opening(_ before: [UInt8]) -> [UInt8] {
        var cut = before.tagBoundary(before: before.commonStart(with: plainTurn?.start ?? []))
        for text in frame + [thought?.close ?? ""] where !text.utf8.isEmpty {
            if let place = before.lastRange(of: Array(text.utf8)) {
                cut = max(cut, place.upperBound)
            }
        }
        return Array(before[cut...])
    }

    /// What ends every turn.
    private var turnEnd: [UInt8] {
        var end = plainTurn?.end ?? []
        for text in frame where end.starts(with: text.utf8) { end.removeFirst(text.utf8.count) }
        return end
    }

    /// What stands around the content of a turn without calls.
    private var plainTurn: (start: [UInt8], end: [UInt8])? {
        let message: JSONValue = ["role": "assistant", "content": "Zplain"]
        guard let text = probe.render([TemplateProbe.user, message], tools: true, prompt: false),
            let before = probe.render([TemplateProbe.user], tools: true, prompt: false)
        else { return nil }
        let turn = Array(text[text.commonStart(with: before)...])
        guard let place = turn.lastRange(of: Array("Zplain".utf8)) else { return nil }
        return (Array(turn[..<place.lowerBound]), Array(turn[place.upperBound...]))
    }

    private func syntax(_ frame: Frame, _ body: ToolCallSyntax.Body) -> ToolCallSyntax {
        ToolCallSyntax(
            opening: frame.opening.text,
            callOpening: frame.callOpening.text,
            body: body,
            callClosing: frame.callClosing.text,
            separator: frame.separator.text,
            closing: frame.closing.text
        )
    }

    // MARK: - Bodies

    /// A JSON object around name and value.
    private func jsonObject(_ parts: Parts) -> ToolCallSyntax? {
        guard let object = Self.object(parts.single, around: parts.name, parts.value) else {
            return nil
        }
        let second = { (pair: [UInt8]) -> Range<Int>? in
            guard let name = pair.lastRange(of: Array(TemplateProbe.names[1].utf8)) else {
                return nil
            }
            return Self.object(pair, around: name, name)?.range
        }
        let frame = surroundings(parts, body: object.range, second: second)
        var nameKey: String?
        var argumentsKey: String?
        for (key, value) in object.value.members {
            if value.string == TemplateProbe.names[0] { nameKey = key }
            if key == TemplateProbe.names[0] { return syntax(frame, .keyed) }
            if value.serialized.utf8.firstRange(of: TemplateProbe.texts[0].utf8) != nil {
                argumentsKey = key
            }
        }
        guard let nameKey, let argumentsKey else { return nil }
        return syntax(frame, .object(name: nameKey, arguments: argumentsKey))
    }

    private static func object(
        _ bytes: [UInt8],
        around name: Range<Int>,
        _ value: Range<Int>
    ) -> (range: Range<Int>, value: JSONObject)? {
        var start = name.lowerBound
        while start > 0 {
            start -= 1
            guard bytes[start] == UInt8(ascii: "{") else { continue }
            guard let end = JSONSpan.valueEnd(bytes, from: start), end >= value.upperBound else {
                continue
            }
            guard let object = try? JSONValue(parsing: Array(bytes[start..<end])).object else {
                continue
            }
            return (start..<end, object)
        }
        return nil
    }

    /// The name in a tag, and a JSON object of the arguments behind it.
    private func named(_ parts: Parts) -> ToolCallSyntax? {
        guard
            let brace = parts.single[parts.name.upperBound..<parts.key.lowerBound].lastIndex(
                of: UInt8(ascii: "{")
            ),
            let end = JSONSpan.valueEnd(parts.single, from: brace), end >= parts.value.upperBound,
            (try? JSONValue(parsing: Array(parts.single[brace..<end])))?.object != nil
        else { return nil }
        let frame = surroundings(parts, body: parts.name.lowerBound..<end) { pair in
            pair.lastRange(of: Array(TemplateProbe.names[1].utf8))
        }
        var between = Array(parts.single[parts.name.upperBound..<brace])
        // Where the call's id stands in between, what comes before it ends the name.
        let id = between.firstIndex(of: Array(TemplateProbe.ids[0].utf8))
        if let id { between = Array(between[..<id]) }
        return syntax(frame, .named(separator: between.text, hasID: id != nil))
    }

    /// Name, keys and values in tags.
    private func tagged(_ parts: Parts) -> ToolCallSyntax? {
        guard let double = probe.turn([call(0, values: 2)]),
            let value = double.lastRange(of: Array(TemplateProbe.texts[0].utf8)),
            let key = double.lastRange(of: Array(TemplateProbe.keys[1].utf8)),
            value.upperBound < key.lowerBound
        else { return nil }
        let afterName = Array(parts.single[parts.name.upperBound..<parts.key.lowerBound])
        let betweenArguments = Array(double[value.upperBound..<key.lowerBound])
        // What opens an argument begins at a tag.
        var open = Array(afterName.suffix(afterName.commonEnd(with: betweenArguments)))
        open.removeFirst(open.firstIndex(of: UInt8(ascii: "<")) ?? 0)
        let nameEnd = Array(afterName.dropLast(open.count))
        let close = Array(betweenArguments.dropLast(open.count))
        let behind = Array(parts.single[parts.value.upperBound...])
        guard !open.isEmpty, !close.isEmpty, behind.starts(with: close.trimmedEnd) else {
            return nil
        }
        let (keyEnd, valueStart) = keyEnds(parts)
        let end = parts.value.upperBound + close.trimmedEnd.count
        let frame = surroundings(parts, body: parts.name.lowerBound..<end) { pair in
            pair.lastRange(of: Array(TemplateProbe.names[1].utf8))
        }
        let tags = ToolCallSyntax.Tags(
            nameEnd: nameEnd.text,
            open: open.text,
            keyEnd: keyEnd.text,
            valueStart: valueStart.text,
            close: close.trimmedEnd.text
        )
        return syntax(frame, .tagged(tags))
    }

    /// What follows a key, and what comes before the value where something lies in between that
    /// says what kind of value it is.
    private func keyEnds(_ parts: Parts) -> (keyEnd: [UInt8], valueStart: [UInt8]) {
        let text = Array(parts.single[parts.key.upperBound..<parts.value.lowerBound])
        let number = TemplateProbe.Call(
            name: TemplateProbe.names[0],
            id: TemplateProbe.ids[0],
            arguments: [(key: "znumber", value: 4_711_174)]
        )
        guard let turn = probe.turn([number]),
            let key = turn.lastRange(of: Array("znumber".utf8)),
            let value = turn.lastRange(of: Array("4711174".utf8)),
            key.upperBound <= value.lowerBound
        else { return (text, []) }
        let other = Array(turn[key.upperBound..<value.lowerBound])
        guard other != text else { return (text, []) }
        // Two words that differ may end alike.
        let end = text.suffix(text.commonEnd(with: other)).drop(while: \.isWordPart)
        return (Array(text[..<text.commonStart(with: other)]), Array(end))
    }
}

extension [UInt8] {
    /// Where the tag begins that `index` lies in, else `index`: two tags may begin alike.
    fileprivate func tagBoundary(before index: Int) -> Int {
        guard let open = self[..<index].lastIndex(of: UInt8(ascii: "<")) else { return index }
        return self[open..<index].contains(UInt8(ascii: ">")) ? index : open
    }

    /// Where the tag ends that `index` lies in, else `index`.
    fileprivate func tagBoundary(after index: Int) -> Int {
        guard tagBoundary(before: index) != index else { return index }
        return self[index...].firstIndex(of: UInt8(ascii: ">")).map { $0 + 1 } ?? index
    }

    /// Where `pattern` stands last.
    func lastRange(of pattern: [UInt8]) -> Range<Int>? {
        var found: Range<Int>?
        var start = 0
        while let place = self[start...].firstIndex(of: pattern) {
            found = place..<(place + pattern.count)
            start = place + 1
        }
        return found
    }
}

extension ArraySlice<UInt8> {
    /// Without `end`, or as much of its end as is there: an end-of-turn token and what follows it.
    fileprivate func droppingEnd(_ end: [UInt8]) -> [UInt8] {
        let bytes = Array(self)
        return Array(bytes[..<bytes.tagBoundary(after: bytes.count - bytes.commonEnd(with: end))])
    }
}
