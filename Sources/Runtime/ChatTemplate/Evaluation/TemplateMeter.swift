/// Counts what one rendering costs, and says when that is too much.
///
/// It belongs to one rendering and its thread.
final class TemplateMeter {
    /// A long string's share of the memory, given back when the last copy of the string is gone.
    ///
    /// Owner: one thread at a time, the one that renders; it alone has the strings with claims.
    final class Claim: @unchecked Sendable {
        private let meter: TemplateMeter
        private let bytes: Int

        fileprivate init(_ meter: TemplateMeter, _ bytes: Int) {
            self.meter = meter
            self.bytes = bytes
        }

        deinit { meter.allocated -= bytes }
    }

    /// A list's or a mapping's own memory beside its elements.
    static let containerBytes = 96
    /// An array's header, for a string that a list keeps.
    static let stringBytes = 48

    private let limits: TemplateLimits
    private let memoryLimit: Int
    private let deadline: Double
    private var steps = 0
    /// The steps at which the clock is read next.
    private var nextLook = 0
    private var allocated = 0

    /// A meter for a rendering of variables of so many bytes.
    init(_ limits: TemplateLimits, inputBytes: Int) {
        self.limits = limits
        let (input, overflow) = inputBytes.multipliedReportingOverflow(by: 4)
        memoryLimit = limits.allocatedBytes.addingClamped(overflow ? 0 : input)
        deadline = ProcessorTime.thread + limits.seconds
    }

    /// Bytes that may still be made.
    var room: Int { max(0, min(limits.textBytes, memoryLimit - allocated)) }

    /// Counts work.
    /// - Returns: why that is too much, where it is.
    func spend(steps work: Int) -> String? {
        steps = steps.addingClamped(max(0, work))
        guard steps <= limits.steps else {
            return "the template needs more than \(limits.steps) steps"
        }
        guard steps >= nextLook else { return nil }
        nextLook = steps.addingClamped(4096)
        return ProcessorTime.thread <= deadline
            ? nil : "the template needs more than \(limits.seconds) seconds"
    }

    /// Counts memory, before it is taken.
    /// - Returns: why that is too much, where it is.
    func spend(bytes: Int) -> String? {
        allocated = allocated.addingClamped(max(0, bytes))
        return allocated <= memoryLimit ? nil : "the template makes more than \(memoryLimit) bytes"
    }

    /// Makes a string's memory count only while the string is alive, where that is worth an object.
    func claim(_ text: PythonString) -> PythonString {
        guard text.utf8.count >= 4096, text.claim == nil else { return text }
        var text = text
        text.claim = Claim(self, text.utf8.count)
        return text
    }
}

extension JSONValue {
    /// About the bytes of its text.
    var weightInBytes: Int {
        switch self {
        case .null, .bool: 4
        case .number(.integer): 8
        case .number(.literal(let text)), .string(let text): text.utf8.count + 2
        case .array(let elements): elements.reduce(2) { $0 + $1.weightInBytes }
        case .object(let object):
            object.members.reduce(2) { $0 + $1.key.utf8.count + $1.value.weightInBytes }
        }
    }
}
