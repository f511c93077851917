import Glibc

/// Cuts a `multipart/form-data` body (RFC 7578) into parts as it arrives.
///
/// It holds no more than a part's head or a possible beginning of the boundary, whatever the size
/// of the body.
public struct MultipartParser {
    /// What the bytes so far came to.
    public enum Event: Sendable {
        /// A part begins.
        case part(MultipartPart)
        /// Content of the part that began last.
        case content([UInt8])
        /// The part is complete.
        case partEnd
        /// The form is complete; what follows is ignored.
        case end
    }

    private enum State {
        /// Before a boundary: what is there belongs to the preamble or to a part.
        case content(isPreamble: Bool)
        /// Behind a boundary, where `--` would end the form.
        case boundary
        /// In the head of a part, whose first bytes are the line break behind the boundary.
        case head
        case finished
    }

    private let delimiter: [UInt8]
    private let limits: MultipartLimits
    private var state = State.content(isPreamble: true)
    // The body's first boundary has no line break before it.
    private var buffer: [UInt8] = [0x0D, 0x0A]
    private var partCount = 0

    /// Makes a parser for a `Content-Type` of `multipart/form-data` with its boundary.
    public init(contentType: String?, limits: MultipartLimits) throws(APIError) {
        let value = MultipartField(contentType ?? "")
        guard value.value == "multipart/form-data" else {
            throw .unsupportedMediaType(contentType, expected: ["multipart/form-data"])
        }
        guard let boundary = value.parameters["boundary"], (1...70).contains(boundary.utf8.count)
        else {
            throw .badRequest("Content-Type needs a boundary of 1 to 70 characters.")
        }
        delimiter = Array("\r\n--\(boundary)".utf8)
        self.limits = limits
    }

    /// Whether the closing boundary has been seen.
    public var isFinished: Bool {
        if case .finished = state { return true }
        return false
    }

    /// Takes the next bytes of the body.
    public mutating func append(_ bytes: [UInt8]) throws(APIError) -> [Event] {
        guard !isFinished else { return [] }
        buffer += bytes
        var events: [Event] = []
        while try step(&events) {}
        return events
    }

    /// Goes one step on; answers whether another may follow.
    private mutating func step(_ events: inout [Event]) throws(APIError) -> Bool {
        switch state {
        case .content(let isPreamble): return readContent(isPreamble: isPreamble, &events)
        case .boundary: return try readBoundaryEnd(&events)
        case .head: return try readHead(&events)
        case .finished: return false
        }
    }

    private mutating func readContent(isPreamble: Bool, _ events: inout [Event]) -> Bool {
        let (end, isWhole) = buffer.firstPosition(of: delimiter)
        if end > 0, !isPreamble { events.append(.content(Array(buffer[..<end]))) }
        buffer.removeSubrange(..<(isWhole ? end + delimiter.count : end))
        guard isWhole else { return false }
        if !isPreamble { events.append(.partEnd) }
        state = .boundary
        return true
    }

    private mutating func readBoundaryEnd(_ events: inout [Event]) throws(APIError) -> Bool {
        let blanks = buffer.prefix { $0 == 0x20 || $0 == 0x09 }.count
        guard blanks <= 64 else { throw Self.malformed("a boundary's line is too long") }
        guard buffer.count >= blanks + 2 else { return false }
        switch (buffer[blanks], buffer[blanks + 1]) {
        case (0x2D, 0x2D) where blanks == 0:
            buffer = []
            state = .finished
            events.append(.end)
            return false
        case (0x0D, 0x0A):
            buffer.removeSubrange(..<blanks)
            partCount += 1
            guard partCount <= limits.parts else {
                throw Self.malformed("there are more than \(limits.parts) parts")
            }
            state = .head
            return true
        default: throw Self.malformed("a boundary is followed by other text")
        }
    }

    private mutating func readHead(_ events: inout [Event]) throws(APIError) -> Bool {
        let (end, isWhole) = buffer.firstPosition(of: [0x0D, 0x0A, 0x0D, 0x0A])
        guard end <= limits.partHeadBytes else {
            throw Self.malformed("a part's header fields are larger than \(limits.partHeadBytes)")
        }
        guard isWhole else { return false }
        events.append(.part(try MultipartPart(head: buffer[..<end])))
        buffer.removeSubrange(..<(end + 4))
        state = .content(isPreamble: false)
        return true
    }

    static func malformed(_ reason: String) -> APIError {
        .badRequest("The multipart body is malformed: \(reason).")
    }
}

extension [UInt8] {
    /// Where `pattern` begins, or where the end of these bytes may be its beginning.
    fileprivate func firstPosition(of pattern: [UInt8]) -> (position: Int, isWhole: Bool) {
        withUnsafeBytes { bytes in
            pattern.withUnsafeBytes { pattern in
                guard let base = bytes.baseAddress, let wanted = pattern.baseAddress else {
                    return (0, false)
                }
                let (count, length) = (bytes.count, pattern.count)
                var start = 0
                while start < count,
                    let found = memchr(base + start, Int32(pattern[0]), count - start)
                {
                    let position = UnsafeRawPointer(found) - base
                    let rest = Swift.min(length, count - position)
                    if memcmp(found, wanted, rest) == 0 { return (position, rest == length) }
                    start = position + 1
                }
                return (count, false)
            }
        }
    }
}
