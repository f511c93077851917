import CPCRE2

/// A compiled regular expression, found in UTF-8 from left to right.
///
/// Patterns are written for Oniguruma, the engine of the reference implementation, and are
/// translated; see `OnigurumaTranslator`. Matching is by PCRE2's JIT. Every match has a limit of
/// steps and memory, so that no pair of pattern and text can hold the caller up: where a limit is
/// met the rest of the text counts as not matching.
///
/// Thread-safe: pcre2_match_8 does not write to compiled code; what it writes to belongs to a
/// `PatternSearch`, one for each caller.
final class TokenPattern: @unchecked Sendable {
    fileprivate let code: OpaquePointer
    fileprivate let limits: OpaquePointer

    /// Steps of one match; the patterns of real tokenizers take a few for each character.
    static let stepLimit: UInt32 = 20_000_000
    /// KiB of backtracking memory of one match, where the JIT's stack was too small.
    private static let heapLimit: UInt32 = 128 * 1024

    /// Compiles a pattern in Oniguruma's Ruby syntax.
    convenience init(
        oniguruma source: String,
        field: String,
        stepLimit: UInt32 = TokenPattern.stepLimit
    ) throws(TokenizerError) {
        var translator = OnigurumaTranslator(source)
        do throws(OnigurumaTranslator.Unsupported) {
            try self.init(pcre: try translator.translate(), field: field, stepLimit: stepLimit)
        } catch {
            throw .invalid(field: field, reason: "the pattern \(source): \(error.what)")
        }
    }

    /// Compiles a pattern that matches a string literally.
    convenience init(literal: String, field: String) throws(TokenizerError) {
        var pattern = ""
        for scalar in literal.unicodeScalars {
            pattern += "\\x{" + String(scalar.value, radix: 16) + "}"
        }
        do throws(OnigurumaTranslator.Unsupported) {
            try self.init(pcre: pattern, field: field)
        } catch {
            throw .invalid(field: field, reason: error.what)
        }
    }

    /// Whether the pattern may match where there is nothing.
    var matchesNothing: Bool {
        var answer: UInt32 = 1
        pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_MATCHEMPTY), &answer)
        return answer != 0
    }

    /// Whether PCRE2 knows what a pattern names.
    static func compiles(_ pattern: String) -> Bool {
        (try? TokenPattern(pcre: pattern, field: "")) != nil
    }

    private init(
        pcre pattern: String,
        field: String,
        stepLimit: UInt32 = TokenPattern.stepLimit
    ) throws(OnigurumaTranslator.Unsupported) {
        var code: Int32 = 0
        var offset = 0
        var text = pattern
        let context = pcre2_compile_context_create_8(nil)
        defer { pcre2_compile_context_free_8(context) }
        pcre2_set_newline_8(context, UInt32(PCRE2_NEWLINE_LF))
        let compiled = text.withUTF8 { text in
            pcre2_compile_8(
                text.baseAddress,
                text.count,
                // Ruby's anchors are those of lines.
                PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C,
                &code,
                &offset,
                context
            )
        }
        guard let compiled, let limits = pcre2_match_context_create_8(nil) else {
            throw OnigurumaTranslator.Unsupported(what: Self.message(code))
        }
        // Without the JIT, as on a machine that forbids it, the interpreter matches the same.
        pcre2_jit_compile_8(compiled, UInt32(PCRE2_JIT_COMPLETE))
        pcre2_set_match_limit_8(limits, stepLimit)
        pcre2_set_depth_limit_8(limits, stepLimit)
        pcre2_set_heap_limit_8(limits, Self.heapLimit)
        self.code = compiled
        self.limits = limits
    }

    deinit {
        pcre2_code_free_8(code)
        pcre2_match_context_free_8(limits)
    }

    private static func message(_ code: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let length = pcre2_get_error_message_8(code, &buffer, buffer.count)
        return length > 0
            ? String(decoding: buffer.prefix(Int(length)), as: UTF8.self) : "error \(code)"
    }
}

/// One caller's search with a pattern: the memory for the offsets of a match.
struct PatternSearch: ~Copyable {
    private let pattern: TokenPattern
    private let data: OpaquePointer?

    init(_ pattern: TokenPattern) {
        self.pattern = pattern
        data = pcre2_match_data_create_8(1, nil)
    }

    deinit { pcre2_match_data_free_8(data) }

    /// Calls `body` with each match in `text`, in order; `text` is all that the pattern sees.
    ///
    /// An empty match right after another match does not count.
    func forEachMatch(in text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void) {
        guard let data, let base = text.baseAddress,
            let offsets = pcre2_get_ovector_pointer_8(data)
        else { return }
        var position = 0
        var lastEnd = -1
        while position <= text.count {
            guard match(base, text.count, from: position, data) >= 0 else { return }
            let (start, end) = (Int(offsets[0]), Int(offsets[1]))
            // `\K` can put the start behind the end; such a match stands for nothing.
            guard start <= end, end <= text.count, start >= position else { return }
            if start == end, end == lastEnd {
                position = end < text.count ? end + UTF8Scan.scalar(text, at: end).length : end + 1
                continue
            }
            position = end
            lastEnd = end
            body(start..<end)
        }
    }

    /// What a pattern says about a text.
    enum Outcome { case match, none, limit }

    /// Whether the pattern matches somewhere in a text.
    func test(_ text: UnsafeBufferPointer<UInt8>) -> Outcome {
        guard let data, let base = text.baseAddress else { return .none }
        switch match(base, text.count, from: 0, data) {
        case 0...: return .match
        case PCRE2_ERROR_NOMATCH: return .none
        default: return .limit
        }
    }

    /// The number of groups, 0 where there are more than there is room for, or a negative error.
    private func match(
        _ text: UnsafePointer<UInt8>,
        _ count: Int,
        from position: Int,
        _ data: OpaquePointer
    ) -> Int32 {
        let options = PCRE2_NO_UTF_CHECK
        var result = pcre2_match_8(
            pattern.code,
            text,
            count,
            position,
            options,
            data,
            pattern.limits
        )
        if result == PCRE2_ERROR_JIT_STACKLIMIT {
            // The interpreter backtracks on the heap, within its limit.
            result = pcre2_match_8(
                pattern.code,
                text,
                count,
                position,
                options | PCRE2_NO_JIT,
                data,
                pattern.limits
            )
        }
        return result
    }
}
