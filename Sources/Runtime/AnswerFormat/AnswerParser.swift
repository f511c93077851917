/// A piece of an answer.
public enum AnswerPart: Sendable, Hashable {
    /// Text of the thought.
    case thought(String)
    /// Text of the answer.
    case content(String)
    /// A tool call begins.
    case call(index: Int, name: String)
    /// The arguments of a call go on: together they are one JSON object as text.
    case arguments(index: Int, String)
}

/// Takes an answer apart while it grows: thought, content and tool calls.
///
/// What comes out depends on the whole text alone, and not on how it was cut into pieces. Text
/// never gets into calls and calls never get into the text; what might be the beginning of a marker
/// is held back until it is known.
public struct AnswerParser: Sendable {
    private enum Mode {
        /// Nothing but white space has come.
        case start
        case thought
        case content
        /// Within a call, or where one is to begin.
        case calls
        /// Behind the body of a call: its closing, the next call or the end of all may follow.
        case between
    }

    private let format: AnswerFormat
    private let trigger: [UInt8]
    /// `nil` where there are no tools.
    private let reader: ToolCallReader?
    private let names: Set<String>
    private var mode: Mode
    /// What has come and has not gone out.
    private var pending: [UInt8] = []
    /// Whether white space is dropped until content comes.
    private var dropsSpace = false
    /// White space in front of what may be a call.
    private var space: [UInt8] = []
    private var hasContent = false
    private var hasEnded = false
    /// Calls that have begun.
    private var calls = 0
    /// Whether the call being read has been announced, and how much of its arguments.
    private var announced = false
    private var sent = 0
    /// Whether the opening of all calls has been read.
    private var isOpened = false
    /// Whether the closing of the last call has been read.
    private var isClosed = false

    /// - Parameters:
    ///   - isThinking: Whether the prompt ends inside a thought.
    ///   - tools: The functions that may be called, with their parameters as JSON Schema; empty: the
    ///     answer has no calls.
    public init(_ format: AnswerFormat, isThinking: Bool, tools: [String: JSONValue]) {
        self.format = format
        trigger = format.calls.trigger
        names = Set(tools.keys)
        reader =
            tools.isEmpty
            ? nil
            : ToolCallReader(
                body: format.calls.body,
                callClosing: Self.end(of: format.calls),
                parameters: tools
            )
        mode = isThinking ? .thought : .start
        dropsSpace = isThinking
    }

    /// What ends the body of a call in tags.
    private static func end(of calls: ToolCallSyntax) -> [UInt8] {
        let closing = Array(calls.callClosing.utf8).trimmed
        return closing.isEmpty ? Array(calls.closing.utf8).trimmed : closing
    }

    /// Takes the next piece of text.
    public mutating func feed(_ text: String) -> [AnswerPart] {
        pending += text.utf8
        return drain()
    }

    /// Ends the answer: what was held back comes out.
    public mutating func finish() -> [AnswerPart] {
        hasEnded = true
        return drain()
    }

    private mutating func drain() -> [AnswerPart] {
        var parts: [AnswerPart] = []
        while step(&parts) {}
        return parts
    }

    /// Does the next thing that can be done; false where more text is needed.
    private mutating func step(_ parts: inout [AnswerPart]) -> Bool {
        switch mode {
        case .start: start()
        case .thought: thought(&parts)
        case .content: content(&parts)
        case .calls: call(&parts)
        case .between: between()
        }
    }

    // MARK: - Text

    private mutating func start() -> Bool {
        let first = pending.skippingSpace(from: 0)
        if let open = format.thought.map({ Array($0.open.utf8) }), !open.isEmpty {
            switch pending.matching(open, from: first) {
            case .whole(let end):
                pending.removeFirst(end)
                (mode, dropsSpace) = (.thought, true)
                return true
            case .partial where !hasEnded: return false
            case .partial, .none: break
            }
            // A thought that was never begun may be ended all the same.
            if let close = format.thought.map({ Array($0.close.utf8) }) {
                switch pending.matching(close, from: first) {
                case .whole(let end):
                    pending.removeFirst(end)
                    (mode, dropsSpace) = (.content, true)
                    return true
                case .partial where !hasEnded: return false
                case .partial, .none: break
                }
            }
        }
        if first == pending.count, !hasEnded { return false }
        mode = .content
        return true
    }

    private mutating func thought(_ parts: inout [AnswerPart]) -> Bool {
        let close = Array((format.thought?.close ?? "").utf8)
        dropSpace()
        if let place = pending.firstIndex(of: close) {
            emit(pending[..<place].trimmedEnd, &parts) { .thought($0) }
            pending.removeFirst(place + close.count)
            (mode, dropsSpace) = (.content, true)
            return true
        }
        let held = hasEnded ? 0 : pending.spaceEnd(before: pending.openEnd(of: close))
        return release(pending.count - held, &parts) { .thought($0) }
    }

    private mutating func content(_ parts: inout [AnswerPart]) -> Bool {
        dropSpace()
        if reader != nil, trigger.isEmpty, !hasContent, let first = pending.first,
            first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
        {
            return openCalls()
        }
        var markers: [(mark: [UInt8], isCall: Bool)] = []
        if reader != nil, !trigger.isEmpty { markers.append((trigger, true)) }
        markers += format.frame.map { (Array($0.utf8), false) }
        let found = markers.compactMap { marker in
            pending.firstIndex(of: marker.mark).map { (place: $0, marker: marker) }
        }.min { $0.place < $1.place }
        if let found {
            let text = pending[..<found.place]
            let end = found.marker.isCall ? text.trimmedEnd.count : text.count
            emit(Array(text[..<end]), &parts) { .content($0) }
            space = Array(text[end...])
            pending.removeFirst(found.place)
            if found.marker.isCall { return openCalls() }
            pending.removeFirst(found.marker.mark.count)
            dropsSpace = !hasContent
            return true
        }
        var held = 0
        if !hasEnded {
            held = markers.map { pending.openEnd(of: $0.mark) }.max() ?? 0
            // White space in front of a call is no part of the answer.
            if reader != nil { held = pending.spaceEnd(before: held) }
        } else if calls > 0 {
            held = pending.spaceEnd(before: 0)
        }
        return release(pending.count - held, &parts) { .content($0) }
    }

    private mutating func dropSpace() {
        guard dropsSpace else { return }
        pending.removeFirst(pending.skippingSpace(from: 0))
        if !pending.isEmpty { dropsSpace = false }
    }

    private mutating func release(
        _ count: Int,
        _ parts: inout [AnswerPart],
        _ part: (String) -> AnswerPart
    ) -> Bool {
        guard count > 0 else { return false }
        emit(Array(pending[..<count]), &parts, part)
        pending.removeFirst(count)
        return false
    }

    private mutating func emit(
        _ bytes: [UInt8],
        _ parts: inout [AnswerPart],
        _ part: (String) -> AnswerPart
    ) {
        guard !bytes.isEmpty else { return }
        let next = part(bytes.text)
        if case .content = next { hasContent = true }
        parts.append(next)
    }

    // MARK: - Calls

    private mutating func openCalls() -> Bool {
        mode = .calls
        (isOpened, announced, sent) = (false, false, 0)
        return true
    }

    private mutating func call(_ parts: inout [AnswerPart]) -> Bool {
        guard let reader else { return giveUp(&parts) }
        let start: Int
        switch bodyStart() {
        case .whole(let place): start = place
        case .partial: return hasEnded ? dropRest(&parts) : false
        case .none: return giveUp(&parts)
        }
        switch reader.read(pending, from: start) {
        case .none: return giveUp(&parts)
        case .unfinished(let name, let arguments):
            if let name, trigger.isEmpty == false || names.contains(name) {
                announce(name, &parts)
                send(arguments, &parts)
            }
            return hasEnded ? dropRest(&parts) : false
        case .whole(let name, let arguments, let end):
            // A bare object is a call only where it names a function that is there.
            guard !trigger.isEmpty || names.contains(name) else { return giveUp(&parts) }
            announce(name, &parts)
            send(arguments, &parts)
            closeCall(at: end)
            return true
        }
    }

    /// Where the body of the next call begins.
    private func bodyStart() -> PatternMatch {
        let syntax = format.calls
        var index = 0
        if !isOpened {
            switch pending.matching(Array(syntax.opening.utf8), from: 0) {
            case .whole(let end): index = end
            case .partial: return .partial
            case .none:
                // A list of one may come without its brackets.
                guard pending.starts(with: trigger) else { return .none }
                index = trigger.count
            }
        }
        return pending.matching(Array(syntax.callOpening.utf8), from: index)
    }

    private mutating func announce(_ name: String, _ parts: inout [AnswerPart]) {
        guard !announced else { return }
        announced = true
        parts.append(.call(index: calls, name: name))
    }

    /// Sends what is new of the arguments, up to the last whole character.
    private mutating func send(_ arguments: [UInt8], _ parts: inout [AnswerPart]) {
        let end = arguments.endOfWholeCharacters
        guard end > sent else { return }
        parts.append(.arguments(index: calls, arguments[sent..<end].text))
        sent = end
    }

    private mutating func closeCall(at end: Int) {
        pending.removeFirst(end)
        space = []
        calls += 1
        (mode, isClosed) = (.between, false)
    }

    /// Goes past the closing of a call, to the next one or to the end of all.
    private mutating func between() -> Bool {
        let syntax = format.calls
        if !isClosed {
            switch pending.matching(Array(syntax.callClosing.utf8), from: 0) {
            case .partial where !hasEnded: return false
            case .whole(let end): pending.removeFirst(end)
            case .partial, .none: break
            }
            isClosed = true
        }
        pending.removeFirst(pending.skippingSpace(from: 0))
        guard let first = pending.first else { return false }
        let ways: [(text: String, goesOn: Bool, isKept: Bool)] = [
            (syntax.closing, false, false),
            (syntax.separator, true, false),
            (syntax.callOpening, true, true),
            (syntax.opening, true, true),
        ]
        var isPartial = false
        for way in ways {
            let pattern = Array(way.text.utf8).trimmed
            guard !pattern.isEmpty else { continue }
            switch pending.matching(pattern, from: 0) {
            case .none: continue
            case .partial: isPartial = true
            case .whole(let end):
                if !way.isKept { pending.removeFirst(end) }
                return afterCall(goesOn: way.goesOn)
            }
        }
        if isPartial { return false }
        if trigger.isEmpty, first == UInt8(ascii: ";") || first == UInt8(ascii: ",") {
            pending.removeFirst()
            return afterCall(goesOn: true)
        }
        let isObject = first == UInt8(ascii: "{")
        return afterCall(goesOn: isObject && syntax.callOpening.utf8.isEmpty)
    }

    private mutating func afterCall(goesOn: Bool) -> Bool {
        guard goesOn else {
            (mode, dropsSpace) = (.content, true)
            return true
        }
        mode = .calls
        (announced, sent) = (false, 0)
        // A form without an opening of all calls opens each of them alike.
        isOpened = true
        return true
    }

    private mutating func dropRest(_ parts: inout [AnswerPart]) -> Bool {
        // An answer that was cut within a call ends there; a bare object that is none is text.
        if trigger.isEmpty, !announced { return giveUp(&parts) }
        pending = []
        return false
    }

    /// What looked like a call is text after all.
    private mutating func giveUp(_ parts: inout [AnswerPart]) -> Bool {
        mode = .content
        if announced {
            // Broken in the middle: what has gone out can't be taken back, the rest is dropped.
            (announced, sent) = (false, 0)
            calls += 1
            pending = []
            return false
        }
        let count = trigger.isEmpty ? pending.count : min(trigger.count, pending.count)
        emit(space + pending[..<count], &parts) { .content($0) }
        space = []
        pending.removeFirst(count)
        return !pending.isEmpty
    }
}
